"""The input tests name what is wrong with the raw rows, the event weights or the facts, and let the rest pass."""

from typing import Any
from unittest.mock import ANY

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse

FEATURE = "insert into raw.item_features values ('f1', 'genre:Drama', {}, '2026-01-01 00:00:00+00')"
VECTOR = """insert into raw.item_vectors (item_id, kind, vector, recorded_at)
    values ('f1', '{}', array[{}], '2026-01-01 00:00:00+00')"""
USER_VECTOR = "insert into raw.user_vectors values ('{}', 'profile', array[{}], '2026-01-01 00:00:00+00')"
EVENT = "insert into raw.interactions values ('new', 'u1', 'f1', 'view', {}, '{}', '2026-01-12 00:00:00+00')"

MUTATIONS = {
    "giant weight": (
        FEATURE.format("1e9"),
        "raw_item_features_weigh_from_0_to_1000",
        [("weight", "from 0 to 1000", "1000000000 in 1 rows")],
    ),
    "negative weight": (
        FEATURE.format("-1"),
        "raw_item_features_weigh_from_0_to_1000",
        [("weight", "from 0 to 1000", "-1 in 1 rows")],
    ),
    "NaN weight": (
        FEATURE.format("'nan'"),
        "raw_item_features_weigh_from_0_to_1000",
        [("weight", "from 0 to 1000", "nan in 1 rows")],
    ),
    "withdrawn feature": (FEATURE.format("0"), "raw_item_features_weigh_from_0_to_1000", []),
    "vectors of two lengths": (
        VECTOR.format("clip", "1, 2") + "; " + VECTOR.replace("f1", "b1").format("clip", "1"),
        "item_vectors_are_sound",
        [("kind=clip", ANY, "1 to 2 numbers")],
    ),
    "vectors of two kinds": (
        VECTOR.format("clip", "1, 2") + "; " + VECTOR.format("audio", "-1"),
        "item_vectors_are_sound",
        [],
    ),
    "NaN in a vector": (
        VECTOR.format("clip", "1, 'nan'::real"),
        "item_vectors_are_sound",
        [("item_id=f1 kind=clip", ANY, "2 numbers, 1 not finite, 2 not 0")],
    ),
    "vector of zeros": (
        VECTOR.format("clip", "0, 0"),
        "item_vectors_are_sound",
        [("item_id=f1 kind=clip", ANY, "2 numbers, 0 not finite, 0 not 0")],
    ),
    "users' vectors of two lengths": (
        f"{USER_VECTOR.format('u1', '1, 2')}; {USER_VECTOR.format('u2', '1')}",
        "user_vectors_are_sound",
        [("kind=profile", ANY, "1 to 2 numbers")],
    ),
    "NaN in a user's vector": (
        USER_VECTOR.format("u1", "1, 'nan'::real"),
        "user_vectors_are_sound",
        [("user_id=u1 kind=profile", ANY, "2 numbers, 1 not finite, 2 not 0")],
    ),
    "infinite value": (
        EVENT.format("'infinity'", "2026-01-10 00:00:00+00"),
        "raw_interactions_have_finite_values",
        [("value", ANY, "inf in 1 rows")],
    ),
    "no item": (
        "alter table raw.interactions alter column item_id drop not null; "
        "update raw.interactions set item_id = null where event_id = 'e1'",
        "raw_interactions_have_no_nulls",
        [("item_id", ANY, "1 rows without")],
    ),
    "lost fact": (
        "delete from core.fct_interactions where event_id = 'e3'",
        "interactions_are_complete",
        [("event_date=2026-01-10", "3 rows", "2 rows")],
    ),
    "fact that never arrived": (
        "delete from raw.interactions where event_id = 'e1'",
        "interactions_are_complete",
        [("event_date=2026-01-08", "0 rows", "1 rows")],
    ),
    "lost fact of a date on which more arrives": (
        "delete from core.fct_interactions where event_id = 'e3'; " + EVENT.format("null", "2026-01-10 09:00:00+00"),
        "interactions_are_complete",
        [("event_date=2026-01-10", "3 rows", "2 rows")],
    ),
    "event after the interval": (EVENT.format("null", "2026-01-11 00:00:00+00"), "interactions_are_complete", []),
    "unknown event type": (
        "select 1",
        "event_types_have_weights",
        [("event_type=poke", ANY, "none for 1 events")],
    ),
    "negative event weight": (
        "update raw.event_weights set weight = -1 where event_type = 'view'",
        "event_weights_are_usable",
        [("event_type=view min_value=null", ANY, "-1")],
    ),
    "half-life of 0 days": (
        "update raw.event_weights set half_life_days = 0 where event_type = 'view'",
        "event_weights_are_usable",
        [("event_type=view min_value=null", ANY, "0")],
    ),
    "event type in upper case": (
        "update raw.event_weights set event_type = 'View' where event_type = 'view'",
        "event_weights_are_usable",
        [("event_type=View min_value=null", ANY, "View")],
    ),
    "two weights of one range": (
        "insert into raw.event_weights values ('view', 1, null, null)",
        "event_weights_are_usable",
        [("event_type=view min_value=null", ANY, "2 rows")],
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_fault_of_the_inputs_is_returned_with_what_was_expected(
    project: Any, built_warehouse: HandmadeWarehouse, mutation: str
) -> None:
    statement, test, expected = MUTATIONS[mutation]
    assert project.failing_rows(built_warehouse, statement, test) == expected


# Each arrives after dbt has built, and says of itself that it had arrived long before.
LATE = {
    "of the run's date": EVENT.format("null", "2026-01-10 23:00:00+00"),
    "of a date without events": EVENT.format("null", "2020-05-05 12:00:00+00"),
    "of a new user and a new item": EVENT.replace("u1", "u9")
    .replace("f1", "f9")
    .format("null", "2026-01-09 23:00:00+00"),
    "with the id of an event of another date": EVENT.replace("'new'", "'e1'").format("null", "2026-01-09 23:00:00+00"),
    "an exposure": "insert into raw.exposures values "
    "('new', 'u1', 'f1', 1, null, 'control', '2026-01-10 23:00:00+00', '2026-01-01 00:00:00+00')",
}


@pytest.mark.parametrize("late", LATE)
def test_rows_that_arrive_after_the_facts_were_built_are_for_the_next_run(
    project: Any, raw_warehouse: HandmadeWarehouse, late: str
) -> None:
    project.run_facts(raw_warehouse, "2026-01-10", "2026-01-11")
    before = raw_warehouse.rows("select * from core.fct_interactions order by event_id")
    raw_warehouse.execute(LATE[late].replace("2026-01-12 00:00:00+00", "2026-01-01 00:00:00+00"))
    for test in ("interactions_are_complete", "exposures_are_complete"):
        done = project.dbt(raw_warehouse, "test", "--select", test)
        assert [each.status for each in done.result] == ["pass"]
    assert raw_warehouse.rows("select * from core.fct_interactions order by event_id") == before


def test_rows_that_arrive_between_the_count_and_the_fact_are_in_the_run(
    project: Any, raw_warehouse: HandmadeWarehouse
) -> None:
    project.run_facts(raw_warehouse, "2026-01-10", "2026-01-11")
    raw_warehouse.execute(LATE["of the run's date"])
    done = project.dbt(raw_warehouse, "run", "--select", "fct_interactions")
    assert done.success, done.exception
    assert raw_warehouse.rows("select 1 from core.fct_interactions where event_id = 'new'") == [(1,)]
    done = project.dbt(raw_warehouse, "test", "--select", "interactions_are_complete")
    assert [each.status for each in done.result] == ["pass"]


def test_an_unknown_event_type_only_warns(project: Any, built_warehouse: HandmadeWarehouse) -> None:
    done = project.dbt(built_warehouse, "test", "--select", "event_types_have_weights")
    assert done.success
    assert [each.status for each in done.result] == ["warn"]
