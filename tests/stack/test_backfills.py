"""Runs and backfills under the real scheduler: one week twice, late events, several runs at once.

The fixtures tell one story, each going on where the one before ended; the tests look at what each left.
"""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from nightjar.contract.tables import OUTPUTS
from tests.support.stack_client import RUN_SECONDS, NightlyDag, RunningStack, wait_for

pytestmark = pytest.mark.stack

NEWEST = date(2026, 3, 31)
# The days before it: a week, or as many days as `make test-stack DAYS=...` sets.
DAYS = int(os.environ.get("NIGHTJAR_TEST_DAYS", "7"))
WEEK = [NEWEST - timedelta(days=days) for days in range(DAYS, 0, -1)]
# Those of the week that are run once more beside the newest run.
SEEING_LATE = WEEK[-2:]
# Dates after the shop's last event.
WITHOUT_EVENTS, CLEARED, ASKED, ASKING = (NEWEST + timedelta(days=days) for days in (1, 2, 3, 4))
# After all events of the shop were ingested, and long before the late events.
ALL_ARRIVED = "2026-06-01T00:00:00+00:00"


@dataclass(frozen=True)
class Published:
    """The state of the warehouse at one step."""

    hashes: dict[str, str]
    current: list[tuple[object, ...]]
    shown: list[tuple[object, ...]]

    @classmethod
    def now(cls, stack: RunningStack) -> "Published":
        hashes = stack.rows("select publication_id, content_hash from recs.publications where action <> 'rollback'")
        return cls(
            dict(hashes),
            stack.rows("select * from recs.current_publication"),
            stack.rows("select * from recs.recommendations_current order by user_id, domain, rank"),
        )

    def of(self, attempt: int, days: list[date]) -> list[str]:
        return [self.hashes[f"{day}.{attempt}"] for day in days]


@pytest.fixture(scope="module")
def newest_run(dag: NightlyDag) -> Published:
    """The run of the newest date, which is late."""
    dag.start(NEWEST, "the_newest_run", ingested_before=ALL_ARRIVED)
    wait_for(lambda: dag.runs()[NEWEST]["state"] == "running" or None, "the newest run", RUN_SECONDS)
    moved = dag.stack.in_airflow(
        "update deadline set deadline_time = now() from dag_run "
        "where dag_run.id = deadline.dagrun_id and dag_run.run_id = 'the_newest_run' returning deadline_time"
    )
    assert len(moved) == 1
    dag.wait_for_run(NEWEST)
    return Published.now(dag.stack)


@pytest.fixture(scope="module")
def once(dag: NightlyDag, newest_run: Published) -> Published:
    """The week before it, two runs at a time."""
    dag.wait_for_backfill(dag.backfill(WEEK[0], WEEK[-1], max_active_runs=2), DAYS * RUN_SECONDS)
    return Published.now(dag.stack)


@pytest.fixture(scope="module")
def twice(dag: NightlyDag, once: Published) -> Published:
    """The same week again, newest first, each run with the rows ingested by an instant."""
    number = dag.backfill(
        WEEK[0],
        WEEK[-1],
        max_active_runs=2,
        reprocess_behavior="completed",
        run_backwards=True,
        dag_run_conf={"ingested_before": ALL_ARRIVED},
    )
    dag.wait_for_backfill(number, DAYS * RUN_SECONDS)
    return Published.now(dag.stack)


@pytest.fixture(scope="module")
def beside(dag: NightlyDag, twice: Published, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Late events; then parallel runs of dates that see them, beside the newest run, which does not."""
    users = dag.stack.rows("select distinct user_id from raw.interactions order by user_id limit 20")
    items = dag.stack.rows("select distinct item_id from raw.interactions order by item_id limit 5")
    late = tmp_path_factory.mktemp("late") / "late.csv"
    lines = [f"{user},{item},2026-03-20T12:00:00Z,purchase" for (user,) in users for (item,) in items]
    late.write_text("\n".join(["user_id,item_id,occurred_at,event_type", *lines]) + "\n")
    imported = dag.stack.nightjar("import", "files", "--interactions", str(late))
    assert imported.returncode == 0, imported.stdout
    assert "100 added" in imported.stdout
    number = dag.backfill(
        SEEING_LATE[0],
        SEEING_LATE[-1],
        max_active_runs=2,
        reprocess_behavior="completed",
        dag_run_conf={"publish": "auto"},
    )
    dag.clear_run(NEWEST)
    wait_for(lambda: dag.runs()[NEWEST]["state"] == "running" or None, "the newest run", RUN_SECONDS)
    # The one that was missed, and the one of the run that was cleared.
    assert deadlines(dag, "the_newest_run") == [False, True]
    dag.wait_for_backfill(number, 3 * RUN_SECONDS)
    dag.wait_for_run(NEWEST)
    for day in (*SEEING_LATE, NEWEST):
        run = dag.runs()[day]
        assert run["state"] == "success", (day, run["note"], {k: t["state"] for k, t in dag.tasks(day).items()})
    return Published.now(dag.stack)


def test_a_run_is_published_and_its_note_shows_it(dag: NightlyDag, newest_run: Published) -> None:
    run = dag.runs()[NEWEST]
    assert newest_run.current[0][0] == f"{NEWEST}.1"
    assert len(newest_run.shown) == 60 * 3 * 10
    assert re.search(rf"^{NEWEST}\.1 .*\b1,800\b.* recall@10 0\.\d+", run["note"])
    assert (dag.asset_events("recs_history"), dag.asset_events("recs_current")) == (1, 1)


def test_a_failed_run_has_its_reason_in_the_note_and_sends_an_alert(dag: NightlyDag, alerts: Path) -> None:
    dag.start(WITHOUT_EVENTS, "a_run_without_events")
    run = dag.wait_for_run(WITHOUT_EVENTS)
    assert run["state"] == "failed"
    assert run["note"].startswith("begin: [nightjar] error (2, too_few_events): ")
    assert str(WITHOUT_EVENTS) in run["note"]
    # Bad input: a retry cannot help.
    assert dag.tasks(WITHOUT_EVENTS)["begin"]["try_number"] == 1
    output = {"run_id": "a_run_without_events", "why": "failed"}
    wait_for(lambda: output in alerts_so_far(alerts) or None, "the notifier", 60)


def test_a_failed_run_whose_deadline_was_not_missed_can_be_cleared(dag: NightlyDag) -> None:
    dag.start(CLEARED, "a_run_to_clear")
    for tries in (1, 2):
        assert dag.wait_for_run(CLEARED)["state"] == "failed"
        assert dag.tasks(CLEARED)["begin"]["try_number"] == tries
        # A run that has ended is not late.
        assert deadlines(dag, "a_run_to_clear") == []
        if tries == 1:
            dag.clear_run(CLEARED)
            wait_for(lambda: dag.runs()[CLEARED]["state"] != "failed" or None, "the cleared run", 60)


def test_a_single_run_produces_the_date_that_it_sets(dag: NightlyDag) -> None:
    dag.start(ASKING, "asks_for_another_date", data_date=str(ASKED))
    run = dag.wait_for_run(ASKING)
    first, second = run["note"].splitlines()
    assert first.startswith("begin: [nightjar] error (2, too_few_events): ")
    assert str(ASKED) in first
    assert f" {ASKED} " in second


def test_a_scheduled_run_without_events_is_skipped_with_the_reason(dag: NightlyDag, alerts: Path) -> None:
    def ended() -> dict[str, Any] | None:
        runs = dag.call("GET", "dags/nightly_recommendations/dagRuns?run_type=scheduled")["dag_runs"]
        return next((run for run in runs if run["state"] in ("success", "failed")), None)

    run = wait_for(ended, "the scheduled run", RUN_SECONDS)
    day = run["data_interval_start"][:10]
    assert run["state"] == "success"
    assert run["dag_run_id"].startswith(f"scheduled__{day}__")
    assert run["note"].startswith("begin: [nightjar] skipped (4, no_interval_events): ")
    assert f" {day} " in run["note"].splitlines()[1]
    tasks = dag.call("GET", f"dags/nightly_recommendations/dagRuns/{quote(run['dag_run_id'])}/taskInstances")
    assert {task["state"] for task in tasks["task_instances"]} == {"skipped"}
    assert run["dag_run_id"] not in {each["run_id"] for each in alerts_so_far(alerts)}
    assert deadlines(dag, run["dag_run_id"]) == []


def test_wrong_parameters_are_refused_before_a_run_is_created(dag: NightlyDag) -> None:
    body = {"dag_id": "nightly_recommendations", "from_date": f"{NEWEST}T00:00:00Z", "to_date": f"{NEWEST}T00:00:00Z"}
    for wrong in ({"publish": "sometimes"}, {"stages": ["scoring"]}, {"stages": []}, {"ingested_before": "yesterday"}):
        status, answer = dag.stack.request("POST", "/api/v2/backfills", {**body, "dag_run_conf": wrong}, dag.token)
        assert status in (400, 422), answer
        assert next(iter(wrong)) in answer


def test_a_backfill_publishes_each_date_as_history_and_current_stays(
    dag: NightlyDag, newest_run: Published, once: Published
) -> None:
    assert set(once.hashes) == {f"{day}.1" for day in [*WEEK, NEWEST]}
    assert (once.current, once.shown) == (newest_run.current, newest_run.shown)
    assert len(set(once.of(1, WEEK))) == DAYS
    assert Counter(dag.runs()[day]["run_type"] for day in WEEK) == {"backfill": DAYS}


def test_the_same_week_again_gives_the_same_content(dag: NightlyDag, once: Published, twice: Published) -> None:
    assert twice.of(2, WEEK) == once.of(1, WEEK)
    assert (twice.current, twice.shown) == (once.current, once.shown)


def test_every_task_of_a_reprocessed_run_ran_again(dag: NightlyDag, twice: Published) -> None:
    for day in WEEK:
        tasks = dag.tasks(day)
        assert {task["state"] for task in tasks.values()} == {"success"}
        # One try in each backfill: no file was locked, nothing was skipped.
        attempts = {name: task["try_number"] for name, task in tasks.items() if not name.endswith("_done")}
        assert set(attempts.values()) == {2}, attempts


def test_one_table_shows_what_the_backfill_did(dag: NightlyDag, twice: Published) -> None:
    alerts = dag.stack.rows(
        "select data_date, attempt, outcome, is_current, recommendation_rows, is_changed, recall is not null "
        "from recs.night_outcomes where data_date < '2026-03-31' order by data_date, attempt"
    )
    rows = dag.stack.rows(
        "select data_date, count(*) from recs.recommendations_history where data_date < '2026-03-31' "
        "group by data_date order by data_date"
    )
    assert [day for day, _ in rows] == WEEK
    assert alerts == [
        (day, attempt, "history", False, count, None if attempt == 1 else False, True)
        for day, count in rows
        for attempt in (1, 2)
    ]


def test_history_does_not_trigger_the_consumers_of_the_current_publication(dag: NightlyDag, twice: Published) -> None:
    assert (dag.asset_events("recs_history"), dag.asset_events("recs_current")) == (1 + 2 * DAYS, 1)


def test_a_backfill_of_missing_runs_starts_none_and_of_errored_runs_repeats_them(
    dag: NightlyDag, twice: Published
) -> None:
    before = dag.stack.rows("select count(*) from recs.publication_attempts")
    for behaviour, tries in (("none", 1), ("failed", 2)):
        number = dag.backfill(WEEK[-1], WITHOUT_EVENTS, reprocess_behavior=behaviour, max_active_runs=2)
        dag.wait_for_backfill(number, RUN_SECONDS)
        assert dag.runs()[WITHOUT_EVENTS]["state"] == "failed"
        assert dag.tasks(WITHOUT_EVENTS)["begin"]["try_number"] == tries
    assert dag.stack.rows("select count(*) from recs.publication_attempts") == before


def test_late_events_change_the_runs_that_may_see_them_and_no_other(twice: Published, beside: Published) -> None:
    for day, before, after in zip(SEEING_LATE, twice.of(2, SEEING_LATE), beside.of(3, SEEING_LATE), strict=True):
        assert before != after, day
    assert beside.of(2, [NEWEST]) == twice.of(1, [NEWEST])
    assert beside.current[0][0] == f"{NEWEST}.2"
    assert [row[1:] for row in beside.shown] == [row[1:] for row in twice.shown]


def test_parallel_runs_meet_no_lock_and_duplicate_no_row(dag: NightlyDag, beside: Published) -> None:
    for day, tries in (*((day, 3) for day in SEEING_LATE), (NEWEST, 2)):
        tasks = dag.tasks(day)
        assert {task["state"] for task in tasks.values()} == {"success"}, day
        assert {task["try_number"] for name, task in tasks.items() if not name.endswith("_done")} == {tries}, day
    for table in OUTPUTS:
        key = ", ".join(table.key)
        twice_there = f"select {key} from {table.full_name} group by {key} having count(*) > 1"
        assert dag.stack.rows(twice_there) == [], table.full_name


def test_a_late_run_sends_an_alert_and_a_late_backfill_does_not(
    dag: NightlyDag, beside: Published, alerts: Path
) -> None:
    late = {"run_id": "the_newest_run", "why": "late"}
    wait_for(lambda: late in alerts_so_far(alerts) or None, "the alert", 60)
    of_backfills = {dag.runs()[day]["dag_run_id"] for day in WEEK}
    assert not of_backfills & {alerts["run_id"] for alerts in alerts_so_far(alerts)}
    assert [deadlines(dag, run_id) for run_id in of_backfills] == [[]] * len(of_backfills)


def test_a_rollback_triggers_the_consumers_of_the_current_publication(dag: NightlyDag, beside: Published) -> None:
    before = dag.asset_events("recs_current")
    dag.call("PATCH", "dags/rollback_publication", {"is_paused": False})
    conf = {"publication": f"{WEEK[-1]}.2", "reason": "the late events were a mistake"}
    dag.call("POST", "dags/rollback_publication/dagRuns", {"dag_run_id": "back", "logical_date": None, "conf": conf})

    def ended() -> str | None:
        state = dag.call("GET", "dags/rollback_publication/dagRuns/back")["state"]
        return state if state in ("success", "failed") else None

    assert wait_for(ended, "the rollback", RUN_SECONDS) == "success"
    dag.call("PATCH", "dags/rollback_publication", {"is_paused": True})
    assert dag.stack.rows("select publication_id from recs.current_publication") == [(f"{WEEK[-1]}.2",)]
    assert dag.asset_events("recs_current") == before + 1


def deadlines(dag: NightlyDag, run_id: str) -> list[bool]:
    """Return whether each deadline of a run was missed."""
    result = dag.stack.in_airflow(
        "select missed from deadline join dag_run on dag_run.id = deadline.dagrun_id "
        f"where dag_run.run_id = '{run_id}' order by missed"
    )
    return [missed for (missed,) in result]


def alerts_so_far(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
