"""`nightjar run` with a made-up Airflow: what it starts, what it shows, and how it ends."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ml.cli import run_commands
from ml.cli.night import Night, run_night
from warehouse.adapters.protocol import Warehouse
from warehouse.attempts import RunRequest
from warehouse.errors import BadInput, GateRefused, NightjarError
from warehouse.interval import of_date, parse_instant
from warehouse.run_failures import RunFailure, failures, keep_failure
from warehouse.runner import this_process
from warehouse.settings import RUNNER, Settings

Airflow = Callable[[list[str], int], Path]
STARTED = "[info] [DAG TEST] starting task_id=gate_model map_index=-1 [airflow.sdk.dag] loc=1"
FAILED = "[info] Task instance state updated [airflow.api] new_state=failed rows_affected=1"


@pytest.fixture
def airflow(settings: Settings, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    """Put an `airflow` first on the path that writes its arguments to a file, says some lines and exits."""
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions values ('e', 'u', 'i', 'view', null, timestamptz '2026-03-31 10:00:00+00',"
            " timestamptz '2026-03-31 11:00:00+00')"
        )

    def acting(lines: list[str], exit_code: int) -> Path:
        script, arguments = tmp_path / "airflow", tmp_path / "arguments.json"
        script.write_text(
            f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open({str(arguments)!r}, 'w'))\n"
            f"print({chr(10).join(lines)!r})\nsys.exit({exit_code})\n"
        )
        script.chmod(0o755)
        environment = {"PATH": str(tmp_path)}
        monkeypatch.setattr("ml.cli.night.child_environment", lambda settings: environment)
        monkeypatch.setattr("ml.cli.night.prepare_home", lambda settings: None)
        return arguments

    return acting


def run(settings: Settings, date: str = "2026-03-31", publish: str = "auto", before: str | None = None) -> Night:
    arrived = parse_instant("--ingested-before", before) if before else None
    request = RunRequest(of_date(date), "r", publish, ingested_before=arrived, note="why")
    return run_night(settings, request)


def test_the_dag_runs_for_the_interval_of_the_date(
    settings: Settings, airflow: Airflow, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = airflow(["[nightjar] begin: 2026-03-31.1 as of 2026-04-01T00:00:00+00:00"], 0)
    night = run(settings, publish="never", before="2026-05-01T02:00:00+02:00")
    *command, conf = json.loads(arguments.read_text())
    assert command == ["dags", "test", "nightly_recommendations", "2026-03-31T00:00:00+00:00", "--conf"]
    assert json.loads(conf) == {
        "publish": "never",
        "stages": ["inputs", "features", "model", "serving", "publication"],
        "ingested_before": "2026-05-01T00:00:00+00:00",
        "note": "why",
    }
    assert night.publication_id == "2026-03-31.1"
    assert night.log.read_text().startswith("[nightjar] begin: 2026-03-31.1")
    [shown] = capsys.readouterr().out.splitlines()
    assert shown.strip().endswith(" s  begin: 2026-03-31.1 as of 2026-04-01T00:00:00+00:00")


def test_a_run_and_a_backfill_take_the_intervals_of_the_schedule(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setattr("ml.cli.run_commands.run_night", lambda _, request: taken.append(str(request.interval.start)))
    monkeypatch.setattr("ml.cli.run_commands.print_summary", lambda *_: None)
    for name, value in {"HOME": str(settings.home), "SCHEDULE": "0 0 * * 0"}.items():
        monkeypatch.setenv(f"NIGHTJAR_{name}", value)
    run_commands.run("2026-03-25")
    run_commands.backfill("2026-03-15", "2026-03-25")
    assert taken == ["2026-03-22 00:00:00+00:00", "2026-03-15 00:00:00+00:00", "2026-03-22 00:00:00+00:00"]
    monkeypatch.setenv("NIGHTJAR_SCHEDULE", "0 * * * *")
    for ask in (lambda: run_commands.run("2026-03-28"), lambda: run_commands.backfill("2026-03-28", "2026-03-29")):
        with pytest.raises(BadInput, match="NIGHTJAR_SCHEDULE"):
            ask()
    assert len(taken) == 3


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("[nightjar] error (3): gate said no", GateRefused, "gate said no (all output: "),
        ("[nightjar] error (2): a bad row", BadInput, "a bad row (all output: "),
        ("[nightjar] error (1): it was busy", NightjarError, "it was busy (all output: "),
        ("java.lang.OutOfMemoryError", NightjarError, "task gate_model failed without a line of its own (all output: "),
    ],
)
def test_a_failed_night_raises_what_the_failed_stage_said(
    settings: Settings, airflow: Airflow, line: str, error: type[NightjarError], message: str
) -> None:
    airflow(["[nightjar] begin: 2026-03-31.1 as of 2026-04-01T00:00:00+00:00", STARTED, line, FAILED], 1)
    with pytest.raises(NightjarError) as raised:
        run(settings)
    assert type(raised.value) is error
    assert str(raised.value).startswith(message)


def test_an_airflow_that_stops_before_the_first_task_is_an_error(settings: Settings, airflow: Airflow) -> None:
    airflow(["Dag could not be found"], 1)
    with pytest.raises(NightjarError, match="airflow stopped with exit code 1"):
        run(settings)


@pytest.mark.parametrize(
    ("date", "publish", "complaint"),
    [
        ("2026-03-30", "auto", "nothing to train on"),
        ("2026-04-01", "auto", "holds 0 interactions on 2026-04-01"),
        ("2026-03-31", "maybe", "publish='maybe' is unknown"),
    ],
)
def test_a_night_that_cannot_succeed_starts_nothing(
    settings: Settings, airflow: Airflow, date: str, publish: str, complaint: str
) -> None:
    arguments = airflow([], 0)
    with pytest.raises(BadInput, match=complaint):
        run(settings, date, publish)
    assert not arguments.exists()
    assert not (settings.home / "logs").exists()


def written(warehouse: Warehouse) -> list[tuple[str, str, str | None, str]]:
    with warehouse.connect(read_only=True) as connection:
        return [(each.task, each.outcome, each.publication_id, each.reason) for each in failures(connection)]


def test_a_run_that_is_refused_before_airflow_starts_is_written_down_as_one_of_begin(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    airflow([], 0)
    with pytest.raises(BadInput) as refused:
        run(settings, "2026-04-01")
    assert written(warehouse) == [("begin", "refused", None, str(refused.value))]


def test_an_airflow_that_is_killed_leaves_an_attempt_that_died(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    airflow(["[nightjar] begin: 2026-03-31.1 as of 2026-04-01T00:00:00+00:00"], 137)
    with pytest.raises(NightjarError):
        run(settings)
    [(task, outcome, publication_id, reason)] = written(warehouse)
    assert (task, outcome, publication_id) == ("nightjar run", "died", "2026-03-31.1")
    assert "137" in reason


def test_what_a_task_has_written_down_is_not_written_again(
    settings: Settings, warehouse: Warehouse, airflow: Airflow
) -> None:
    own = RunFailure("r", "unload", "failed", "busy", 1, "2026-03-31.1", date(2026, 3, 31))
    keep_failure(settings, replace(own, failed_at=datetime.now(UTC) + timedelta(hours=1)))
    airflow(["[nightjar] begin: 2026-03-31.1 as of 2026-04-01T00:00:00+00:00", STARTED, FAILED], 1)
    with pytest.raises(NightjarError):
        run(settings)
    assert written(warehouse) == [("unload", "failed", "2026-03-31.1", "busy")]


def test_the_processes_of_a_run_know_which_process_they_depend_on(
    settings: Settings, airflow: Airflow, tmp_path: Path
) -> None:
    airflow([], 0)
    (tmp_path / "airflow").write_text(f"#!{sys.executable}\nimport os\nprint(os.environ[{RUNNER!r}])\n")
    with pytest.raises(NightjarError):
        run(settings)
    assert (settings.home / "logs" / "nightly_recommendations-2026-03-31.log").read_text() == f"{this_process()}\n"
