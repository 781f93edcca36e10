"""Nights and backfills under the real scheduler: one week twice, late events, several runs at once.

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
from tests.support.stack_client import NIGHT_SECONDS, Nights, RunningStack, wait_for

pytestmark = pytest.mark.stack

NEWEST = date(2026, 3, 31)
# The days before it: a week, or as many as `make test-stack DAYS=...` says.
DAYS = int(os.environ.get("NIGHTJAR_TEST_DAYS", "7"))
WEEK = [NEWEST - timedelta(days=days) for days in range(DAYS, 0, -1)]
# Those of the week that are run once more beside the newest night.
SEEING_LATE = WEEK[-2:]
# Dates after the shop's last event.
WITHOUT_EVENTS, CLEARED, ASKED, ASKING = (NEWEST + timedelta(days=days) for days in (1, 2, 3, 4))
# After every event of the shop had arrived, and long before those that the story adds.
ALL_ARRIVED = "2026-06-01T00:00:00+00:00"


@dataclass(frozen=True)
class Published:
    """What the warehouse held at one point of the story."""

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
def nightly(nights: Nights) -> Published:
    """The night of the newest date, which is late."""
    nights.start(NEWEST, "the_newest_night", ingested_before=ALL_ARRIVED)
    wait_for(lambda: nights.runs()[NEWEST]["state"] == "running" or None, "the newest night", NIGHT_SECONDS)
    moved = nights.stack.in_airflow(
        "update deadline set deadline_time = now() from dag_run "
        "where dag_run.id = deadline.dagrun_id and dag_run.run_id = 'the_newest_night' returning deadline_time"
    )
    assert len(moved) == 1
    nights.wait_for_run(NEWEST)
    return Published.now(nights.stack)


@pytest.fixture(scope="module")
def once(nights: Nights, nightly: Published) -> Published:
    """The week before it, two runs at a time."""
    nights.wait_for_backfill(nights.backfill(WEEK[0], WEEK[-1], max_active_runs=2), DAYS * NIGHT_SECONDS)
    return Published.now(nights.stack)


@pytest.fixture(scope="module")
def twice(nights: Nights, once: Published) -> Published:
    """The same week again, newest first, each night seeing what had arrived by an instant."""
    number = nights.backfill(
        WEEK[0],
        WEEK[-1],
        max_active_runs=2,
        reprocess_behavior="completed",
        run_backwards=True,
        dag_run_conf={"ingested_before": ALL_ARRIVED},
    )
    nights.wait_for_backfill(number, DAYS * NIGHT_SECONDS)
    return Published.now(nights.stack)


@pytest.fixture(scope="module")
def beside(nights: Nights, twice: Published, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Events that arrive late; then dates at once that see them, beside the newest night, which does not."""
    users = nights.stack.rows("select distinct user_id from raw.interactions order by user_id limit 20")
    items = nights.stack.rows("select distinct item_id from raw.interactions order by item_id limit 5")
    late = tmp_path_factory.mktemp("late") / "late.csv"
    lines = [f"{user},{item},2026-03-20T12:00:00Z,purchase" for (user,) in users for (item,) in items]
    late.write_text("\n".join(["user_id,item_id,occurred_at,event_type", *lines]) + "\n")
    imported = nights.stack.nightjar("import", "files", "--interactions", str(late))
    assert imported.returncode == 0, imported.stdout
    assert "100 added" in imported.stdout
    number = nights.backfill(
        SEEING_LATE[0],
        SEEING_LATE[-1],
        max_active_runs=2,
        reprocess_behavior="completed",
        dag_run_conf={"publish": "auto"},
    )
    nights.repeat(NEWEST)
    wait_for(lambda: nights.runs()[NEWEST]["state"] == "running" or None, "the newest night", NIGHT_SECONDS)
    # The one that was missed, and the one of the run that was cleared.
    assert deadlines(nights, "the_newest_night") == [False, True]
    nights.wait_for_backfill(number, 3 * NIGHT_SECONDS)
    nights.wait_for_run(NEWEST)
    for day in (*SEEING_LATE, NEWEST):
        run = nights.runs()[day]
        assert run["state"] == "success", (day, run["note"], {k: t["state"] for k, t in nights.tasks(day).items()})
    return Published.now(nights.stack)


def test_a_night_is_published_and_says_so_in_its_note(nights: Nights, nightly: Published) -> None:
    run = nights.runs()[NEWEST]
    assert nightly.current[0][0] == f"{NEWEST}.1"
    assert len(nightly.shown) == 60 * 3 * 10
    assert re.search(rf"^{NEWEST}\.1 .*\b1,800\b.* recall@10 0\.\d+", run["note"])
    assert (nights.asset_events("recs_history"), nights.asset_events("recs_current")) == (1, 1)


def test_a_night_that_failed_says_why_and_its_people_are_told(nights: Nights, told: Path) -> None:
    nights.start(WITHOUT_EVENTS, "a_night_without_events")
    run = nights.wait_for_run(WITHOUT_EVENTS)
    assert run["state"] == "failed"
    assert run["note"].startswith("begin: [nightjar] error (2, too_few_events): ")
    assert str(WITHOUT_EVENTS) in run["note"]
    # Bad input: a second try could not help.
    assert nights.tasks(WITHOUT_EVENTS)["begin"]["try_number"] == 1
    said = {"run_id": "a_night_without_events", "why": "failed"}
    wait_for(lambda: said in told_so_far(told) or None, "the notifier", 60)


def test_a_failed_run_whose_deadline_was_not_missed_can_be_cleared(nights: Nights) -> None:
    nights.start(CLEARED, "a_run_to_clear")
    for tries in (1, 2):
        assert nights.wait_for_run(CLEARED)["state"] == "failed"
        assert nights.tasks(CLEARED)["begin"]["try_number"] == tries
        # What has ended is not late.
        assert deadlines(nights, "a_run_to_clear") == []
        if tries == 1:
            nights.repeat(CLEARED)
            wait_for(lambda: nights.runs()[CLEARED]["state"] != "failed" or None, "the cleared run", 60)


def test_what_a_single_run_produces_is_the_date_that_it_asks_for(nights: Nights) -> None:
    nights.start(ASKING, "asks_for_another_date", data_date=str(ASKED))
    run = nights.wait_for_run(ASKING)
    first, second = run["note"].splitlines()
    assert first.startswith("begin: [nightjar] error (2, too_few_events): ")
    assert str(ASKED) in first
    assert f" {ASKED} " in second


def test_a_scheduled_run_without_events_is_skipped_and_says_why(nights: Nights, told: Path) -> None:
    def ended() -> dict[str, Any] | None:
        runs = nights.ask("GET", "dags/nightly_recommendations/dagRuns?run_type=scheduled")["dag_runs"]
        return next((run for run in runs if run["state"] in ("success", "failed")), None)

    run = wait_for(ended, "the scheduled run", NIGHT_SECONDS)
    day = run["data_interval_start"][:10]
    assert run["state"] == "success"
    assert run["dag_run_id"].startswith(f"scheduled__{day}__")
    assert run["note"].startswith("begin: [nightjar] skipped (4, no_interval_events): ")
    assert f" {day} " in run["note"].splitlines()[1]
    tasks = nights.ask("GET", f"dags/nightly_recommendations/dagRuns/{quote(run['dag_run_id'])}/taskInstances")
    assert {task["state"] for task in tasks["task_instances"]} == {"skipped"}
    assert run["dag_run_id"] not in {each["run_id"] for each in told_so_far(told)}
    assert deadlines(nights, run["dag_run_id"]) == []


def test_wrong_parameters_are_refused_before_a_run_is_made(nights: Nights) -> None:
    body = {"dag_id": "nightly_recommendations", "from_date": f"{NEWEST}T00:00:00Z", "to_date": f"{NEWEST}T00:00:00Z"}
    for wrong in ({"publish": "sometimes"}, {"stages": ["scoring"]}, {"stages": []}, {"ingested_before": "yesterday"}):
        status, answer = nights.stack.request(
            "POST", "/api/v2/backfills", {**body, "dag_run_conf": wrong}, nights.token
        )
        assert status in (400, 422), answer
        assert next(iter(wrong)) in answer


def test_a_backfill_publishes_each_date_as_history_and_current_stays(
    nights: Nights, nightly: Published, once: Published
) -> None:
    assert set(once.hashes) == {f"{day}.1" for day in [*WEEK, NEWEST]}
    assert (once.current, once.shown) == (nightly.current, nightly.shown)
    assert len(set(once.of(1, WEEK))) == DAYS
    assert Counter(nights.runs()[day]["run_type"] for day in WEEK) == {"backfill": DAYS}


def test_the_same_week_again_gives_the_same_content(nights: Nights, once: Published, twice: Published) -> None:
    assert twice.of(2, WEEK) == once.of(1, WEEK)
    assert (twice.current, twice.shown) == (once.current, once.shown)


def test_every_task_of_a_reprocessed_night_did_its_work_again(nights: Nights, twice: Published) -> None:
    for day in WEEK:
        tasks = nights.tasks(day)
        assert {task["state"] for task in tasks.values()} == {"success"}
        # Tried once in each backfill: nothing met a locked file, nothing was skipped.
        attempts = {name: task["try_number"] for name, task in tasks.items() if not name.endswith("_done")}
        assert set(attempts.values()) == {2}, attempts


def test_one_table_tells_what_the_backfill_did(nights: Nights, twice: Published) -> None:
    told = nights.stack.rows(
        "select data_date, attempt, outcome, is_current, recommendation_rows, is_changed, recall is not null "
        "from recs.night_outcomes where data_date < '2026-03-31' order by data_date, attempt"
    )
    rows = nights.stack.rows(
        "select data_date, count(*) from recs.recommendations_history where data_date < '2026-03-31' "
        "group by data_date order by data_date"
    )
    assert [day for day, _ in rows] == WEEK
    assert told == [
        (day, attempt, "history", False, count, None if attempt == 1 else False, True)
        for day, count in rows
        for attempt in (1, 2)
    ]


def test_consumers_of_what_is_current_are_not_started_by_history(nights: Nights, twice: Published) -> None:
    assert (nights.asset_events("recs_history"), nights.asset_events("recs_current")) == (1 + 2 * DAYS, 1)


def test_missing_runs_alone_are_none_and_errored_runs_are_run_again(nights: Nights, twice: Published) -> None:
    before = nights.stack.rows("select count(*) from recs.publication_attempts")
    for behaviour, tries in (("none", 1), ("failed", 2)):
        number = nights.backfill(WEEK[-1], WITHOUT_EVENTS, reprocess_behavior=behaviour, max_active_runs=2)
        nights.wait_for_backfill(number, NIGHT_SECONDS)
        assert nights.runs()[WITHOUT_EVENTS]["state"] == "failed"
        assert nights.tasks(WITHOUT_EVENTS)["begin"]["try_number"] == tries
    assert nights.stack.rows("select count(*) from recs.publication_attempts") == before


def test_events_that_arrive_late_change_what_may_see_them_and_nothing_else(twice: Published, beside: Published) -> None:
    for day, before, after in zip(SEEING_LATE, twice.of(2, SEEING_LATE), beside.of(3, SEEING_LATE), strict=True):
        assert before != after, day
    assert beside.of(2, [NEWEST]) == twice.of(1, [NEWEST])
    assert beside.current[0][0] == f"{NEWEST}.2"
    assert [row[1:] for row in beside.shown] == [row[1:] for row in twice.shown]


def test_runs_beside_each_other_meet_no_lock_and_leave_no_row_twice(nights: Nights, beside: Published) -> None:
    for day, tries in (*((day, 3) for day in SEEING_LATE), (NEWEST, 2)):
        tasks = nights.tasks(day)
        assert {task["state"] for task in tasks.values()} == {"success"}, day
        assert {task["try_number"] for name, task in tasks.items() if not name.endswith("_done")} == {tries}, day
    for table in OUTPUTS:
        key = ", ".join(table.key)
        twice_there = f"select {key} from {table.full_name} group by {key} having count(*) > 1"
        assert nights.stack.rows(twice_there) == [], table.full_name


def test_a_late_night_is_reported_and_a_late_backfill_is_not(nights: Nights, beside: Published, told: Path) -> None:
    late = {"run_id": "the_newest_night", "why": "late"}
    wait_for(lambda: late in told_so_far(told) or None, "the alert", 60)
    of_backfills = {nights.runs()[day]["dag_run_id"] for day in WEEK}
    assert not of_backfills & {told["run_id"] for told in told_so_far(told)}
    assert [deadlines(nights, run_id) for run_id in of_backfills] == [[]] * len(of_backfills)


def test_a_rollback_tells_the_consumers_of_what_is_current(nights: Nights, beside: Published) -> None:
    before = nights.asset_events("recs_current")
    nights.ask("PATCH", "dags/rollback_publication", {"is_paused": False})
    conf = {"publication": f"{WEEK[-1]}.2", "reason": "the late events were a mistake"}
    nights.ask("POST", "dags/rollback_publication/dagRuns", {"dag_run_id": "back", "logical_date": None, "conf": conf})

    def ended() -> str | None:
        state = nights.ask("GET", "dags/rollback_publication/dagRuns/back")["state"]
        return state if state in ("success", "failed") else None

    assert wait_for(ended, "the rollback", NIGHT_SECONDS) == "success"
    nights.ask("PATCH", "dags/rollback_publication", {"is_paused": True})
    assert nights.stack.rows("select publication_id from recs.current_publication") == [(f"{WEEK[-1]}.2",)]
    assert nights.asset_events("recs_current") == before + 1


def deadlines(nights: Nights, run_id: str) -> list[bool]:
    """Whether each deadline of a run was missed."""
    found = nights.stack.in_airflow(
        "select missed from deadline join dag_run on dag_run.id = deadline.dagrun_id "
        f"where dag_run.run_id = '{run_id}' order by missed"
    )
    return [missed for (missed,) in found]


def told_so_far(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
