"""Failures of runs are stored whatever happens, and resumed ones are marked."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.run_failures import (
    RunFailure,
    failures,
    is_recorded,
    mark_refusals_resumed,
    mark_resumed,
    outcome_of,
    store_failure,
    store_waiting_failures,
    waiting_failures,
)
from nightjar.publishing.runner_process import has_died, this_process
from nightjar.publishing.unfinished_attempts import record_dead_attempts, unfinished
from nightjar.publishing.unpublished_runs import unpublished_runs
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.protocol import Warehouse

AT = datetime(2026, 3, 11, 1, tzinfo=UTC)
DAY = date(2026, 3, 10)
FAILURE = RunFailure("run", "unload", "failed", "it was\n busy", 1, "2026-03-10.1", DAY, failed_at=AT)


def stored(warehouse: Warehouse) -> list[RunFailure]:
    with warehouse.connect(read_only=True) as connection:
        return failures(connection)


def ended_process() -> str:
    """A runner that is gone."""
    host, _, _ = this_process().rpartition(":")[0].rpartition(":")
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    return f"{host}:{done.stdout.strip()}:{datetime.now(UTC).timestamp():.0f}"


@pytest.mark.parametrize(
    ("exit_code", "outcome"),
    [(1, "failed"), (2, "refused"), (3, "refused"), (-9, "died"), (137, "died"), (None, "died"), (4, "failed")],
)
def test_the_exit_code_decides_whether_a_run_was_refused_failed_or_died(exit_code: int | None, outcome: str) -> None:
    assert outcome_of(exit_code) == outcome


def test_a_failure_is_one_row_with_its_reason_in_one_line_however_often_it_is_written(
    warehouse: Warehouse, settings: Settings
) -> None:
    warehouse.create_tables()
    store_failure(settings, FAILURE)
    store_failure(settings, FAILURE)
    assert stored(warehouse) == [replace(FAILURE, reason="it was busy")]
    assert waiting_failures(settings) == []


def test_a_home_in_which_nothing_has_happened_stays_as_it_is(settings: Settings) -> None:
    store_failure(settings, FAILURE)
    assert not settings.warehouse_path.exists()
    assert not (settings.home / "failures").exists()


def test_a_failure_that_cannot_be_stored_waits_as_a_file_and_is_stored_with_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = DuckDBWarehouse(settings.warehouse_path)
    warehouse.create_tables()
    monkeypatch.setattr("nightjar.publishing.run_failures._WAIT_SECONDS", 0.0)
    reader = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", reader, str(settings.warehouse_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        store_failure(settings, FAILURE)
        other.communicate()
    assert [each.task for each in waiting_failures(settings)] == ["unload"]
    assert is_recorded(settings, since=AT, task="unload")
    store_waiting_failures(settings, warehouse)
    assert [each.task for each in stored(warehouse)] == ["unload"]
    assert waiting_failures(settings) == []


def test_an_attempt_that_resumes_a_task_does_not_change_the_failure_of_another(
    warehouse: Warehouse, settings: Settings
) -> None:
    warehouse.create_tables()
    RunFolder.of(settings.lake, "2026-03-10.1").path.mkdir(parents=True)
    store_failure(settings, FAILURE)
    store_failure(settings, replace(FAILURE, task="marts"))
    mark_resumed(settings, "2026-03-10.1", ["unload", "dbt_inputs"])
    assert {each.task: each.resumed_at is not None for each in stored(warehouse)} == {"unload": True, "marts": False}
    with warehouse.connect(read_only=True) as connection:
        assert [each.task for each in unpublished_runs(connection)] == ["marts"]


def test_only_a_failure_since_then_is_known(warehouse: Warehouse, settings: Settings) -> None:
    warehouse.create_tables()
    store_failure(settings, FAILURE)
    assert is_recorded(settings, since=AT, data_date=DAY, run_id="run")
    assert not is_recorded(settings, since=AT, data_date=DAY, run_id="other")
    assert not is_recorded(settings, since=AT + timedelta(seconds=1), data_date=DAY)


def test_a_refusal_without_an_attempt_is_no_last_word_once_the_date_has_one(
    warehouse: Warehouse, settings: Settings
) -> None:
    warehouse.create_tables()
    store_failure(settings, replace(FAILURE, task="begin", publication_id=None))
    store_failure(
        settings, replace(FAILURE, task="begin", publication_id=None, data_date=date(2026, 3, 11), run_id="b")
    )
    with warehouse.transaction() as connection:
        mark_refusals_resumed(connection, DAY)
    assert {each.data_date: each.resumed_at is None for each in stored(warehouse)} == {
        DAY: False,
        date(2026, 3, 11): True,
    }


def test_this_process_lives_one_that_ended_has_died_and_of_other_hosts_nothing_is_known() -> None:
    assert not has_died(this_process())
    assert has_died(ended_process())
    host, _, rest = this_process().partition(":")
    pid, _, started = rest.partition(":")
    # The same process id, given to a process that began later.
    assert has_died(f"{host}:{pid}:{float(started) - 600:.0f}")
    assert not has_died(f"other:{pid}:1")
    assert not has_died(f"other:{2**22}:1")
    assert not has_died(None)


def test_an_attempt_whose_process_is_gone_has_died_and_the_next_begin_writes_it_down(
    warehouse: Warehouse, insert: Any
) -> None:
    runners = {1: ended_process(), 2: this_process(), 3: None}
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        for day, runner in runners.items():
            attempt = {"publication_id": f"2026-03-0{day}.1", "data_date": date(2026, 3, day), "attempt": 1}
            rest = {"started_at": AT + timedelta(days=day), "runner": runner, "stages": "serving,publication"}
            insert(connection, "recs.publication_attempts", **attempt, **rest)
        assert [each.outcome for each in unfinished(connection)] == ["died", "running", "running"]
        [died] = [each for each in unpublished_runs(connection) if each.outcome == "died"]
        assert died.publication_id == "2026-03-01.1"
        assert runners[1].split(":")[1] in died.reason
        record_dead_attempts(connection)
        record_dead_attempts(connection)
        written = failures(connection)
    assert [(each.publication_id, each.outcome, each.task) for each in written] == [
        ("2026-03-01.1", "died", "nightjar run")
    ]


def test_an_attempt_without_publication_ends_unseen_and_has_not_died(warehouse: Warehouse, insert: Any) -> None:
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        attempt = {"publication_id": "2026-03-01.1", "data_date": date(2026, 3, 1), "attempt": 1}
        insert(connection, "recs.publication_attempts", **attempt, runner=ended_process(), stages="inputs,features")
        assert [each.outcome for each in unfinished(connection)] == ["unpublished"]
        record_dead_attempts(connection)
        assert failures(connection) == []


def test_the_reason_of_a_refusal_has_the_figures_of_the_gate(warehouse: Warehouse, insert: Any) -> None:
    warehouse.create_tables()
    ids = {"publication_id": "2026-03-10.1", "data_date": DAY}
    with warehouse.transaction() as connection:
        insert(connection, "recs.publication_attempts", **ids, attempt=1, runner=None)
        insert(connection, "recs.gate_decisions", **ids, gate="coverage", verdict="refused", reason="0.1 against 0.2")
        [row] = unpublished_runs(connection)
    assert (row.outcome, row.reason) == ("refused", "coverage: 0.1 against 0.2")
