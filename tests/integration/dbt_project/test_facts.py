"""Facts are a function of the raw rows, whichever dates were run and in whichever order."""

from typing import Any

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse

TABLES = (
    *("fct_interactions", "fct_exposures", "dim_items", "dim_users"),
    *("dim_item_features", "dim_item_vectors", "dim_user_features", "dim_user_vectors"),
)
EVENTS = "select event_id, user_id from core.fct_interactions order by event_id"


def add_event(warehouse: HandmadeWarehouse, event_id: str, user: str, occurred: str, ingested: str) -> None:
    warehouse.insert("raw.interactions", [(event_id, user, "f1", "view", None, occurred, ingested)])


def test_the_first_build_takes_every_date_also_those_after_the_interval(built_warehouse: HandmadeWarehouse) -> None:
    found = built_warehouse.rows("select event_id, event_date from core.fct_interactions order by event_id")
    assert [(event, day.day) for event, day in found] == [
        ("e1", 8), ("e2", 9), ("e3", 10), ("e4", 10), ("e5", 10), ("e6", 11),
    ]  # fmt: skip


def test_late_events_and_old_archives_are_built_by_the_next_run(project: Any, raw_warehouse: HandmadeWarehouse) -> None:
    project.run_facts(raw_warehouse, "2026-01-10", "2026-01-11")
    add_event(raw_warehouse, "late", "u1", "2026-01-09 23:59:59+00", "2026-01-12 00:00:00+00")
    add_event(raw_warehouse, "archive", "u1", "2020-05-05 12:00:00+00", "2026-01-12 00:00:00+00")
    project.run_facts(raw_warehouse, "2026-01-11", "2026-01-12")
    assert [event for event, _ in raw_warehouse.rows(EVENTS)] == [
        "archive", "e1", "e2", "e3", "e4", "e5", "e6", "late",
    ]  # fmt: skip


def test_a_second_row_of_an_event_counts_only_if_it_arrived_first(
    project: Any, raw_warehouse: HandmadeWarehouse
) -> None:
    project.run_facts(raw_warehouse, "2026-01-20", "2026-01-21")
    add_event(raw_warehouse, "e1", "later", "2026-01-08 10:00:00+00", "2026-01-12 00:00:00+00")
    add_event(raw_warehouse, "e3", "earlier", "2026-01-10 10:00:00+00", "2026-01-10 12:00:00+00")
    project.run_facts(raw_warehouse, "2026-01-20", "2026-01-21")
    found = raw_warehouse.rows(EVENTS)
    assert found[:3] == [("e1", "u1"), ("e2", "u1"), ("e3", "earlier")]
    assert len(found) == 6


def test_an_event_removed_from_raw_leaves_the_fact_even_when_its_date_becomes_empty(
    project: Any, raw_warehouse: HandmadeWarehouse
) -> None:
    project.run_facts(raw_warehouse, "2026-01-20", "2026-01-21")
    raw_warehouse.execute("delete from raw.interactions where event_id in ('e1', 'e4')")
    project.run_facts(raw_warehouse, "2026-01-20", "2026-01-21")
    assert [event for event, _ in raw_warehouse.rows(EVENTS)] == ["e2", "e3", "e5", "e6"]


def test_a_backfill_between_two_runs_changes_no_table(project: Any, raw_warehouse: HandmadeWarehouse) -> None:
    seen = []
    for day, next_day in (("2026-01-10", "2026-01-11"), ("2026-01-08", "2026-01-09"), ("2026-01-10", "2026-01-11")):
        project.run_facts(raw_warehouse, day, next_day)
        seen.append([sorted(raw_warehouse.rows(f"select * from core.{table}"), key=str) for table in TABLES])
    assert len(seen[0][0]) == 6
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [(None, "variable interval_end is missing"), ("2026-01-11T00:00:00", "variable interval_end has no time zone")],
)
def test_a_run_without_an_interval_names_the_missing_variable(
    project: Any, built_warehouse: HandmadeWarehouse, given: str | None, message: str
) -> None:
    done = project.dbt(built_warehouse, "test", "--select", "interactions_are_complete", interval_end=given)
    assert not done.success
    assert message in done.result[0].message
