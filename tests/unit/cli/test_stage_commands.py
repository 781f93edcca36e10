import inspect
from importlib import import_module

import pytest
from typer.testing import CliRunner

from nightjar.cli.stage_commands import STAGES, app
from nightjar.contract.errors import BadInput
from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_is_a_function_of_settings_and_run_folder(name: str) -> None:
    module, function = STAGES[name]
    parameters = inspect.signature(getattr(import_module(module), function), eval_str=True).parameters
    assert [each.annotation for each in parameters.values()] == [Settings, RunFolder]


def test_the_dag_launches_every_stage_and_no_other() -> None:
    commands = (REPOSITORY / "tests" / "integration" / "dags" / "nightly_recommendations_commands.txt").read_text(
        encoding="utf-8"
    )
    launched = {line.split()[3] for line in commands.splitlines() if line.split()[1:3] == ["nightjar", "stage"]}
    assert launched == {"begin", *STAGES}


def test_a_publication_that_was_never_begun_is_bad_input(settings: Settings) -> None:
    runner = CliRunner(env={"NIGHTJAR_HOME": str(settings.home)})
    done = runner.invoke(app, ["unload", "--publication", "2026-03-31.1"])
    assert isinstance(done.exception, BadInput)
    assert done.exception.code == "not_a_run_folder"
    done = runner.invoke(app, ["unload", "--publication", "../x"])
    assert isinstance(done.exception, BadInput)
    assert done.exception.code == "not_a_publication_id"
