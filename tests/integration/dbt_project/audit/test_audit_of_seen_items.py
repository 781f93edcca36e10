"""An attempt is held to what it saw, not to what other runs have made of facts and dimensions since."""

from typing import Any

from tests.support.handmade_warehouses import HandmadeWarehouse

PUBLICATION = "2026-01-10.1"
EVENT = "insert into core.fct_interactions values ('{}', '{}', '{}', 'view', null, {}, '2026-01-10')"
AT = "timestamptz '2026-01-10 20:00:00+00', timestamptz '2026-01-09 00:00:00+00'"
NOBODY = "timestamptz '2020-01-01 00:00:00+00'"
# Built by another run from rows that arrived after the attempt's snapshot and say that they had arrived before it.
SINCE = (
    # Recommended to u1 by the attempt, and seen since; the top-K list of default would be shorter now.
    EVENT.format("late1", "u1", "f2", AT),
    EVENT.format("late2", "u1", "x1", AT),
    EVENT.format("late3", "new", "f9", AT),
    f"insert into core.dim_users values ('new', {NOBODY}, true, {NOBODY}, null)",
    f"insert into core.dim_items values ('f9', 'films', 'f9', null, null, true, {NOBODY}, null)",
    f"insert into core.dim_items values ('f8', 'games', 'f8', null, null, false, {NOBODY}, null)",
    "update core.dim_items set domain = 'other' where item_id = 'f3'",
    f"update core.dim_items set available_until = {NOBODY} where item_id = 'b1'",
)
WITHOUT_SNAPSHOT = tuple(f"delete from recs_staging.snapshot_{each}" for each in ("users", "items", "interactions"))


def failing(project: Any, warehouse: HandmadeWarehouse, *changes: str) -> set[str]:
    queries = {
        name: query
        for name, query in project.compiled_tests(warehouse).items()
        if name.startswith(("staged_", "snapshot_"))
    }
    with warehouse.connect() as connection:
        for statement in changes:
            connection.execute(statement)
        return {name for name, query in queries.items() if connection.execute(query).fetchall()}


def test_rows_that_other_runs_have_built_since_are_no_fault_of_the_attempt(
    project: Any, audited: HandmadeWarehouse
) -> None:
    assert failing(project, audited, *SINCE) == set()


def test_an_attempt_that_kept_nothing_of_what_it_saw_is_held_to_facts_and_dimensions(
    project: Any, audited: HandmadeWarehouse
) -> None:
    assert failing(project, audited, *WITHOUT_SNAPSHOT) == set()
    assert failing(project, audited, *WITHOUT_SNAPSHOT, *SINCE) == {
        "staged_items_are_available",
        "staged_lists_are_full",
        "staged_lists_have_no_seen_item",
        "staged_tables_are_complete",
    }


def test_an_event_of_the_attempts_end_or_later_is_none_that_it_may_have_seen(
    project: Any, audited: HandmadeWarehouse
) -> None:
    leak = "update recs_staging.snapshot_interactions set last_occurred_at = timestamptz '2026-01-11 00:00:00+00'"
    assert "snapshot_ends_with_the_attempt" in failing(project, audited, leak)
