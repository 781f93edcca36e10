"""The rows of recs.run_failures: which process records a failed task, and once only."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dags.support.failure_records import code_of, failure_note, reason_of, record_unreported_failures
from nightjar.contract.environment import RUNNER, child_environment
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.run_failures import RunFailure, failures, reason_without_output, store_failure
from nightjar.stages import record_failure
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from tests.support.golden import check_wording

AT = datetime(2026, 4, 1, 1, tzinfo=UTC)
PUBLICATION = "2026-03-31.1"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    DuckDBWarehouse(settings.warehouse_path).create_tables()
    RunFolder.of(settings.lake, PUBLICATION).path.mkdir(parents=True)
    return settings


def stored(settings: Settings) -> dict[str, RunFailure]:
    with DuckDBWarehouse(settings.warehouse_path).connect(read_only=True) as connection:
        return {each.task: each for each in failures(connection)}


@pytest.mark.parametrize(
    ("exit_code", "line", "code", "values"),
    [
        (2, "[nightjar] error (2, no_title): items.csv, line 3", "no_title", ["items.csv, line 3"]),
        (2, "[nightjar] error (2): items.csv, line 3", "", ["items.csv, line 3"]),
        (-9, "[nightjar] unload: 5 rows", "", ["unload ", "signal 9 ", "[nightjar] unload: 5 rows"]),
        (137, "", "", ["signal 9 "]),
        (-15, "x", "", ["signal 15;", "x"]),
        (1, "Segmentation fault", "", ["exit code 1;", "Segmentation fault"]),
    ],
)
def test_code_and_reason_come_from_a_commands_error_line_or_from_how_it_ended(
    exit_code: int, line: str, code: str, values: list[str]
) -> None:
    reason = reason_of("unload", exit_code, line)
    assert code_of(line) == code
    assert [value for value in values if value in reason] == values
    check_wording(reason)


def test_the_tasks_process_records_only_failures_after_the_last_retry(home: Settings) -> None:
    fails_with = "print('[nightjar] error ({0}, some_code): it is so'); raise SystemExit({0})".format
    is_killed = "import os; print('[nightjar] fit_model: epoch 3', flush=True); os.kill(os.getpid(), 9)"
    tasks = [
        {"task": "begin", "command": fails_with(2), "try_number": 1},
        {"task": "unload", "command": fails_with(1), "try_number": 2, "publication": PUBLICATION},
        {"task": "fit_model", "command": is_killed, "publication": PUBLICATION},
        {"task": "gate_model", "command": fails_with(3), "try_number": 1, "publication": PUBLICATION},
        {"task": "publish", "command": "print('done')", "publication": PUBLICATION},
    ]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "run_commands.py"), json.dumps(tasks)],
        env=child_environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ended = json.loads(done.stdout.splitlines()[-1])
    result = stored(home)
    assert [each["failure"] for each in ended] == [
        ["CommandRefused", 2, "some_code", "it is so"],
        ["CommandFailed", 1, "some_code", "it is so"],
        ["CommandFailed", -9, "", result["fit_model"].reason],
        ["CommandRefused", 3, "some_code", "it is so"],
        None,
    ]
    assert ended[0]["note"] == "begin: [nightjar] error (2, some_code): it is so"
    assert ended[2]["note"] == f"fit_model: {result['fit_model'].reason}"
    assert {task: (row.outcome, row.exit_code, row.publication_id) for task, row in result.items()} == {
        "begin": ("refused", 2, None),
        "fit_model": ("died", -9, PUBLICATION),
        "gate_model": ("refused", 3, PUBLICATION),
    }
    assert {row.data_date for row in result.values()} == {date(2026, 3, 31)}
    assert result["begin"].reason == "it is so"
    assert result["fit_model"].reason.endswith("[nightjar] fit_model: epoch 3")


def test_the_note_of_a_failed_run_is_of_the_task_that_failed_first() -> None:
    first, second = (
        SimpleNamespace(task_id=name, start_date=AT, end_date=AT + timedelta(minutes=minute))
        for name, minute in (("unload", 1), ("report", 2))
    )
    output = [SimpleNamespace(task_id=name, timestamp=AT + timedelta(seconds=30)) for name in ("report", "unload")]
    assert failure_note([second, first], output, lambda row: f"line of {row.task_id}") == "line of unload"
    assert failure_note([], output, lambda row: "") is None


def test_the_note_of_a_task_without_an_error_line_is_no_line_of_an_earlier_try() -> None:
    task = SimpleNamespace(task_id="unload", start_date=AT, end_date=AT)
    earlier = SimpleNamespace(task_id="unload", timestamp=AT - timedelta(minutes=5))
    for outcomes in ([], [earlier]):
        note = str(failure_note([task], outcomes, lambda row: "of an earlier try"))
        assert note == f"unload: {reason_without_output('unload')}"


def failed_run() -> Any:
    return SimpleNamespace(
        dag_id="nightly_recommendations", run_id="r", conf={"data_date": "2026-03-31"}, data_interval_start=None
    )


def test_the_listener_starts_a_process_that_records_and_none_under_nightjar_run(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setenv("NIGHTJAR_HOME", str(home.home))

    def popen(command: list[str], **_: object) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace(wait=lambda: 0)

    monkeypatch.setattr("dags.support.failure_records.subprocess.Popen", popen)
    task = SimpleNamespace(task_id="unload", start_date=AT)
    record_unreported_failures(failed_run(), PUBLICATION, [task])
    record_unreported_failures(failed_run(), None, [task])
    record_unreported_failures(failed_run(), None, [])
    monkeypatch.setenv(RUNNER, "host:1:1")
    record_unreported_failures(failed_run(), PUBLICATION, [task])
    names = ["--dag-id=nightly_recommendations", "--run-id=r"]
    ends = ["--data-date=2026-03-31", "--task=unload@2026-04-01T01:00:00+00:00"]
    command = ["nightjar", "stage", "write-down-failure", *names]
    assert started == [[*command, f"--publication={PUBLICATION}", *ends], [*command, *ends]]


def test_a_task_without_an_error_line_is_recorded_unless_its_own_process_did(home: Settings) -> None:
    own = RunFailure("r", "unload", "failed", "busy", 1, PUBLICATION, date(2026, 3, 31), failed_at=AT)
    store_failure(home, own)
    store_failure(home, replace(own, task="fit_model", failed_at=AT - timedelta(days=1)))
    record_failure.run(
        home,
        dag_id="nightly_recommendations",
        run_id="r",
        tasks=[f"unload@{AT.isoformat()}", f"fit_model@{AT.isoformat()}"],
        publication_id=PUBLICATION,
        data_date="2026-03-31",
    )
    result = stored(home)
    assert result["unload"] == own
    # The row of the run's earlier try stays beside it, and is the older one.
    with DuckDBWarehouse(home.warehouse_path).connect(read_only=True) as connection:
        [newest, earlier] = [each for each in failures(connection) if each.task == "fit_model"]
    assert (newest.outcome, newest.exit_code, earlier.outcome) == ("died", None, "failed")
    assert newest.reason == reason_without_output("fit_model")
