"""The events of a run without a scheduler, and how it is stopped; with Airflow itself, in a process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from nightjar.contract.environment import child_environment
from nightjar.contract.settings import Settings
from nightjar.contract.task_events import PROGRESS, TaskEvent
from nightjar.stack.prepare_home import missing_preparation

FOLDER = Path(__file__).parent / "reported"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An Airflow that has the DAGs of the folder `reported` alone."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    settings.airflow_home.mkdir()
    return {**child_environment(settings), "PYTHONPATH": str(FOLDER), "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER)}


@contextmanager
def started(
    environment: dict[str, str], module: str, output: Path, **conf: str
) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    reader, writer = os.pipe()
    command = [sys.executable, "-P", "-m", "dags.support.run_once", module, "--logical-date=2026-03-31T00:00:00+00:00"]
    with output.open("wb") as stdout, os.fdopen(reader, encoding="utf-8") as events:
        process = subprocess.Popen(
            [
                *command,
                f"--conf={json.dumps(conf)}",
                f"--prepare={json.dumps(missing_preparation(Path(environment['AIRFLOW_HOME'])))}",
                f"--events={writer}",
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
        )
        os.close(writer)
        try:
            yield process, events
        finally:
            process.kill()
            process.wait()


def test_each_end_of_a_task_is_an_event_with_exit_code_code_and_reason(
    environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with started(environment, "every_end", log, marker=str(tmp_path / "failed once"), note="why") as (process, lines):
        events = [TaskEvent.from_json(line) for line in lines]
        assert process.wait() == 1, log.read_text()
    assert [(each.task, each.state, each.try_number, each.exit_code, each.code) for each in events] == [
        ("begin", "running", 1, None, ""),
        ("begin", "progress", 1, None, ""),
        ("begin", "success", 1, None, ""),
        ("retried", "running", 1, None, ""),
        ("retried", "up_for_retry", 1, 1, "warehouse_busy"),
        ("retried", "running", 2, None, ""),
        ("retried", "success", 2, None, ""),
        ("skipped", "running", 1, None, ""),
        ("skipped", "progress", 1, None, ""),
        ("skipped", "skipped", 1, None, ""),
        ("killed", "running", 1, None, ""),
        ("killed", "failed", 1, -9, ""),
        ("printed", "running", 1, None, ""),
        ("printed", "progress", 1, None, ""),
        ("printed", "failed", 1, 1, ""),
        ("refused", "running", 1, None, ""),
        # A wrong input is not retried.
        ("refused", "failed", 1, 2, "unknown_column"),
    ]
    assert [each.line for each in events if each.line] == [
        "begin: numbered 100 %",
        "skipped (4): nothing to do",
        "not a command's line",
    ]
    assert [each.result for each in events if each.result] == ["2026-03-31.1", "done"]
    reasons = {each.task: each.reason for each in events if each.reason}
    assert (reasons["retried"], reasons["refused"]) == ("busy", "colour")
    assert "epoch 3" in reasons["killed"]
    assert "KeyError: 'unforeseen'" in reasons["printed"]
    assert [each.at for each in events] == sorted(each.at for each in events)
    # The log has every line.
    assert "[nightjar] begin: numbered 100 %" in log.read_text()


def test_a_dag_that_cannot_be_loaded_fails_with_its_error(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        "from nightjar.contract.errors import BadInput\nraise BadInput('no such notifier', code='unknown_notifier')\n"
    )
    with started({**environment, "PYTHONPATH": str(tmp_path)}, "wrong", tmp_path / "log") as (process, lines):
        [event] = [TaskEvent.from_json(line) for line in lines]
        assert process.wait() == 1
    result = (event.task, event.state, event.exit_code, event.code, event.reason)
    assert result == ("", "failed", 2, "unknown_notifier", "no such notifier")


@pytest.mark.parametrize(("ends_by", "exit_code"), [("signal", 128 + signal.SIGINT), ("reader", 128 + signal.SIGPIPE)])
def test_stopping_a_run_stops_the_command_of_its_task(
    environment: dict[str, str], tmp_path: Path, ends_by: str, exit_code: int
) -> None:
    with started(environment, "endless", tmp_path / "log") as (process, lines):
        line = next(event.line for event in map(TaskEvent.from_json, lines) if event.state == PROGRESS)
        command = psutil.Process(int(line))
        if ends_by == "signal":
            process.send_signal(signal.SIGINT)
        else:
            lines.close()
        assert process.wait() == exit_code
        command.wait(timeout=60)
