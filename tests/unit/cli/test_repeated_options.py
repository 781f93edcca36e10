from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperOption
from typer.testing import CliRunner

from nightjar.cli.main import application
from nightjar.contract.errors import BadInput
from tests.support.refusals import refused


def leaf_commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """The commands without subcommands, with their names."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(path), command
    for name, each in (inner or {}).items():
        yield from leaf_commands(each, *path, name)


COMMANDS = dict(leaf_commands(typer.main.get_command(application())))
SINGLE = [
    (path, option)
    for path, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, TyperOption) and not option.multiple and option.name != "help"
]


def test_the_commands_of_people_and_of_tasks_are_all_covered() -> None:
    assert {path.split()[0] for path, _ in SINGLE} >= {"import", "run", "backfill", "rollback", "stage", "tune"}


@pytest.mark.parametrize(("path", "option"), SINGLE, ids=lambda each: each if isinstance(each, str) else each.name)
def test_an_option_of_one_value_that_is_given_twice_is_refused(path: str, option: TyperOption) -> None:
    name = option.opts[0]
    with refused(BadInput, "repeated_option", wording=False, option=name, count=2):
        COMMANDS[path].make_context(path, [name, name] if option.is_flag else [name, "1", name, "2"])


def test_an_option_and_its_opposite_are_the_same_option() -> None:
    options = ["import", "files", "--items", "items.csv", "--header", "--no-header"]
    with refused(BadInput, "repeated_option", option="--header", count=2):
        CliRunner().invoke(application(), options, catch_exceptions=False)
