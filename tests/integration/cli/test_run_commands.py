"""`nightjar run` with a stand-in for Airflow: its command, its output and its end."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from nightjar.cli import run_commands
from nightjar.cli.run_events import RunEvents
from nightjar.cli.single_run import CompletedRun, run_single
from nightjar.contract.environment import RUNNER
from nightjar.contract.errors import BadInput, GateRefused, NightjarError
from nightjar.contract.interval import of_date, parse_instant
from nightjar.contract.settings import Settings
from nightjar.contract.task_events import FAILED, PROGRESS, SUCCESS, TaskEvent
from nightjar.publishing.run_failures import RunFailure, failures, store_failure
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.runner_process import this_process
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Airflow = Callable[..., Path]
BEGUN = TaskEvent("begin", SUCCESS, 1, result="2026-03-31.1")
FAILED_TASK = TaskEvent("unload", FAILED, 3, exit_code=1, reason="busy")


@pytest.fixture
def airflow(settings: Settings, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    """Replace Airflow by a program that writes its arguments to a file, reports events, prints and exits."""
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions values ('e', 'u', 'i', 'view', null, timestamptz '2026-03-31 10:00:00+00',"
            " timestamptz '2026-03-31 11:00:00+00')"
        )
    script, arguments = tmp_path / "python", tmp_path / "arguments.json"
    monkeypatch.setattr("nightjar.cli.single_run.sys", SimpleNamespace(executable=str(script)))
    monkeypatch.setattr("nightjar.cli.single_run.prepare_data", lambda settings: None)

    def acting(events: Sequence[TaskEvent] = (), exit_code: int = 0, then: str = "") -> Path:
        lines = "".join(f"{event.to_json()}\n" for event in events)
        script.write_text(
            f"#!{sys.executable}\nimport json, os, signal, sys\n"
            f"json.dump(sys.argv[1:], open({str(arguments)!r}, 'w'))\n"
            f"print('all of it', os.environ[{RUNNER!r}], os.environ['NIGHTJAR_DEADLINE_MINUTES'], flush=True)\n"
            f"os.write(int(sys.argv[-1]), {lines!r}.encode())\n{then}\nsys.exit({exit_code})\n"
        )
        script.chmod(0o755)
        return arguments

    return acting


def run(settings: Settings, date: str = "2026-03-31", publish: str = "auto", before: str | None = None) -> CompletedRun:
    arrived = parse_instant("--ingested-before", before) if before else None
    request = RunRequest(of_date(date), "r", publish, ingested_before=arrived, note="why")
    return run_single(settings, request)


def test_the_dag_runs_for_the_interval_of_the_date(
    settings: Settings, airflow: Airflow, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = airflow([BEGUN, TaskEvent("unload", PROGRESS, 1, line="unload: 5 rows")])
    completed = run(settings, publish="never", before="2026-05-01T02:00:00+02:00")
    *command, conf, _, preparation, _, events = json.loads(arguments.read_text())
    module = ["dags.support.run_once", "dags.nightly_recommendations"]
    assert command == ["-P", "-u", "-m", *module, "--logical-date", "2026-03-31T00:00:00+00:00", "--conf"]
    pools = ["pools", "import", str(settings.airflow_home / "pools.json")]
    assert (json.loads(preparation), events.isdigit()) == ([["db", "migrate"], pools], True)
    assert json.loads(conf) == {
        "publish": "never",
        "stages": ["inputs", "features", "model", "serving", "publication"],
        "ingested_before": "2026-05-01T00:00:00+00:00",
        "note": "why",
    }
    assert completed.publication_id == "2026-03-31.1"
    [shown] = capsys.readouterr().out.splitlines()
    assert shown.strip().endswith(" s  unload: 5 rows")


def test_the_process_has_no_deadline_gets_its_runner_and_writes_to_the_log(
    settings: Settings, airflow: Airflow
) -> None:
    airflow([BEGUN])
    assert run(settings).log.read_text() == f"all of it {this_process()} 0\n"


def test_a_run_and_a_backfill_use_the_intervals_of_the_schedule(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    intervals: list[str] = []
    monkeypatch.setattr(
        "nightjar.cli.run_commands.run_single", lambda _, request: intervals.append(str(request.interval.start))
    )
    monkeypatch.setattr("nightjar.cli.run_commands.print_summary", lambda *_: None)
    for name, value in {"HOME": str(settings.home), "SCHEDULE": "0 0 * * 0"}.items():
        monkeypatch.setenv(f"NIGHTJAR_{name}", value)
    run_commands.run("2026-03-25")
    run_commands.backfill("2026-03-15", "2026-03-25")
    assert intervals == ["2026-03-22 00:00:00+00:00", "2026-03-15 00:00:00+00:00", "2026-03-22 00:00:00+00:00"]
    monkeypatch.setenv("NIGHTJAR_SCHEDULE", "0 * * * *")
    for ask in (lambda: run_commands.run("2026-03-28"), lambda: run_commands.backfill("2026-03-28", "2026-03-29")):
        with pytest.raises(BadInput, match="NIGHTJAR_SCHEDULE"):
            ask()
    assert len(intervals) == 3


@pytest.mark.parametrize(
    ("exit_code", "code", "error", "shown"),
    [
        (3, "gate_refused", GateRefused, "gate_refused"),
        (2, "unknown_column", BadInput, "unknown_column"),
        (1, "", NightjarError, "run_failed"),
        (-9, "", NightjarError, "run_failed"),
    ],
)
def test_a_failed_run_raises_the_error_of_the_failed_task(
    settings: Settings, airflow: Airflow, exit_code: int, code: str, error: type[NightjarError], shown: str
) -> None:
    airflow([BEGUN, TaskEvent("gate_model", FAILED, 1, exit_code=exit_code, code=code, reason="of the task")], 1)
    log = settings.home / "logs" / "nightly_recommendations-2026-03-31.log"
    with refused(error, shown, wording=False, log=log) as caught:
        run(settings)
    assert type(caught.value) is error
    assert str(caught.value).startswith("of the task (")


def test_an_airflow_that_stops_without_a_failed_task_is_an_error(settings: Settings, airflow: Airflow) -> None:
    airflow([], 7)
    with refused(NightjarError, "run_failed", wording=False) as caught:
        run(settings)
    assert "7" in str(caught.value)


def test_a_dag_without_an_attempt_is_an_error(settings: Settings, airflow: Airflow) -> None:
    airflow([], 0)
    with refused(NightjarError, "run_failed", wording=False):
        run(settings)


@pytest.mark.parametrize(
    ("date", "publish", "complaint"),
    [
        ("2026-03-30", "auto", "2026-03-31"),
        ("2026-04-01", "auto", "2026-04-01"),
        ("2026-03-31", "maybe", "maybe"),
    ],
)
def test_a_run_that_cannot_succeed_starts_nothing(
    settings: Settings, airflow: Airflow, date: str, publish: str, complaint: str
) -> None:
    arguments = airflow()
    with pytest.raises(BadInput, match=complaint):
        run(settings, date, publish)
    assert not arguments.exists()
    assert not (settings.home / "logs").exists()


def recorded_failures(warehouse: Warehouse) -> list[tuple[str, str, int | None, str | None]]:
    with warehouse.connect(read_only=True) as connection:
        return [(each.task, each.outcome, each.exit_code, each.publication_id) for each in failures(connection)]


def test_a_refusal_before_airflow_starts_is_recorded_as_one_of_begin(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    airflow()
    with pytest.raises(BadInput):
        run(settings, "2026-04-01")
    assert recorded_failures(warehouse) == [("begin", "refused", 2, None)]


def test_an_airflow_that_is_killed_leaves_an_attempt_that_died(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    airflow([BEGUN], then="os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(NightjarError):
        run(settings)
    assert recorded_failures(warehouse) == [("nightjar run", "died", -9, "2026-03-31.1")]


def test_an_interrupted_run_has_died_and_its_process_has_ended(
    settings: Settings, warehouse: Warehouse, airflow: Airflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, has_begun = tmp_path / "ready", threading.Event()
    os.mkfifo(ready)

    class Events(RunEvents):
        def read(self, event: TaskEvent) -> str | None:
            line = super().read(event)
            has_begun.set()
            return line

    monkeypatch.setattr("nightjar.cli.single_run.RunEvents", Events)
    airflow([BEGUN], then=f"open({str(ready)!r}, 'w').write(str(os.getpid()))\nsignal.pause()")
    started: list[int] = []

    def interrupt() -> None:
        started.append(int(ready.read_text()))
        has_begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    keyboard = threading.Thread(target=interrupt)
    # Where the tests run in the background of a shell, the signal is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        keyboard.start()
        with pytest.raises(KeyboardInterrupt):
            run(settings)
        keyboard.join()
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)
    assert recorded_failures(warehouse) == [("nightjar run", "died", -signal.SIGINT, "2026-03-31.1")]


def test_a_failure_that_a_task_recorded_is_not_recorded_again(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    own = RunFailure("r", "unload", "failed", "busy", 1, "2026-03-31.1", date(2026, 3, 31))
    store_failure(settings, replace(own, failed_at=datetime.now(UTC) + timedelta(hours=1)))
    airflow([BEGUN, FAILED_TASK], 1)
    with pytest.raises(NightjarError):
        run(settings)
    assert recorded_failures(warehouse) == [("unload", "failed", 1, "2026-03-31.1")]


def test_a_failure_that_a_task_could_not_record_is_recorded_for_the_run(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    airflow([BEGUN, FAILED_TASK], 1)
    with pytest.raises(NightjarError):
        run(settings)
    assert recorded_failures(warehouse) == [("nightjar run", "failed", 1, "2026-03-31.1")]
