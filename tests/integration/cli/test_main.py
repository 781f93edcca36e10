import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from nightjar.cli import main as cli
from nightjar.cli.overview import ENTRIES
from nightjar.contract.errors import BadInput, GateRefused
from tests.support.golden import check_wording

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command, its work replaced by an error; return exit code, output and error output."""

    def failing(error: Exception, *arguments: str) -> tuple[int, str, str]:
        def work() -> None:
            raise error

        monkeypatch.setattr(sys, "argv", ["nightjar", *arguments])
        monkeypatch.setattr(cli, "application", lambda name: work)
        with pytest.raises(SystemExit) as exited:
            cli.main()
        output = capsys.readouterr()
        return int(str(exited.value.code)), output.out, output.err

    return failing


def test_an_error_is_one_line_and_its_exit_code(run: Run) -> None:
    error = BadInput("a\n b", code="unknown_column", column="b")
    assert run(error, "status") == (2, "[nightjar] error (2, unknown_column): a b\n", "")
    assert run(GateRefused("no"), "stage", "publish") == (3, "[nightjar] error (3): no\n", "")


def test_debug_adds_the_traceback_and_keeps_line_and_exit_code(run: Run) -> None:
    code, output, errors = run(BadInput("wrong"), "--debug", "status")
    assert (code, output) == (2, "[nightjar] error (2): wrong\n")
    assert errors.startswith("Traceback")


def test_an_unexpected_error_is_one_line_too(run: Run) -> None:
    code, output, errors = run(ZeroDivisionError("0"), "status")
    assert (code, errors) == (1, "")
    assert output.startswith("[nightjar] error (1, unexpected_error): ")
    assert "ZeroDivisionError: 0" in output
    check_wording(output)


def test_a_full_disk_is_reported_wherever_the_error_came_from(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path))
    error = BadInput("events.csv")
    error.__cause__ = OSError(errno.ENOSPC, "")
    for raised in (error, error.__cause__):
        code, output, _ = run(raised, "status")
        assert code == 1
        assert output.startswith("[nightjar] error (1, disk_full): ")
        assert str(tmp_path) in output
        assert output.count("\n") == 1


def test_the_log_of_a_stage_has_the_traceback(run: Run) -> None:
    code, output, errors = run(ZeroDivisionError("0"), "stage", "unload")
    assert (code, output.count("\n")) == (1, 1)
    assert "ZeroDivisionError: 0" in errors


def test_each_command_is_found_by_its_name_alone_and_the_overview_says_what_its_module_says() -> None:
    def commands(app: typer.Typer) -> dict[str, str]:
        group: Any = typer.main.get_command(app)
        return {name: " ".join(each.help.split("\n\n")[0].split()) for name, each in group.commands.items()}

    whole = commands(cli.application())
    assert list(whole.items()) == [(entry.name, entry.summary) for entry in ENTRIES]
    for name, summary in whole.items():
        assert commands(cli.application(name))[name] == summary


def test_a_stage_imports_no_command_of_people() -> None:
    old = "import sys, nightjar.stages.begin; from nightjar.cli.main import application; application('stage')"
    heavy = (
        "print({name.split('.')[0] for name in sys.modules} & {'pandas', 'scipy', 'implicit', 'mlflow', 'psycopg2'})"
    )
    done = subprocess.run([sys.executable, "-c", f"{old}; {heavy}"], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
