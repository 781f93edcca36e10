"""What events count by the shipped weights, and which versions the dimensions hold."""

from datetime import UTC, datetime
from typing import Any

from tests.support.handmade_warehouses import HandmadeWarehouse


def instant(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def test_events_count_what_the_shipped_weights_say(built_warehouse: HandmadeWarehouse) -> None:
    found = built_warehouse.rows(
        "select event_id, event_type, event_weight, half_life_days "
        "from intermediate.int_interactions_weighted order by event_id",
    )
    assert found == [
        ("e1", "view", 0.3, 180.0),
        ("e2", "rating", 1.0, None),
        ("e3", "purchase", 1.0, 180.0),
        ("e4", "dislike", 0.0, None),
        ("e5", "poke", 0.0, None),
        ("e6", "click", 0.5, 180.0),
    ]


def test_items_known_from_events_only_stand_in_the_default_domain(built_warehouse: HandmadeWarehouse) -> None:
    found = built_warehouse.rows(
        "select item_id, domain, title, is_inferred, valid_from, valid_to from core.dim_items "
        "where item_id in ('b1', 'x1') order by 1",
    )
    assert found == [
        ("b1", "books", "b1", False, instant(1), None),
        ("x1", "default", "x1", True, instant(10, 12), None),
    ]


def test_users_known_from_events_only_were_created_by_their_first_event(built_warehouse: HandmadeWarehouse) -> None:
    found = built_warehouse.rows("select user_id, created_at, is_inferred, valid_from from core.dim_users order by 1")
    assert found == [
        ("u1", None, False, instant(1)),
        ("u2", None, False, instant(1)),
        ("u3", instant(10, 11), True, instant(10, 11)),
    ]


def test_a_changed_item_keeps_its_old_version(project: Any, raw_warehouse: HandmadeWarehouse) -> None:
    raw_warehouse.insert("raw.items", [("x1", "games", "Chess", None, None, "2026-01-12 00:00+00")])
    raw_warehouse.insert(
        "raw.item_features",
        [("x1", "genre:Play", 1, "2026-01-12 00:00+00"), ("x1", "genre:Play", 0, "2026-01-13 00:00+00")],
    )
    project.run_facts(raw_warehouse, "2026-01-10", "2026-01-11")
    versions = "select domain, title, valid_from, valid_to from core.dim_items where item_id = 'x1' order by valid_from"
    assert raw_warehouse.rows(versions) == [
        ("default", "x1", instant(10, 12), instant(12)),
        ("games", "Chess", instant(12), None),
    ]
    features = (
        "select weight, valid_from, valid_to from core.dim_item_features where item_id = 'x1' order by valid_from"
    )
    assert raw_warehouse.rows(features) == [(1.0, instant(12), instant(13)), (0.0, instant(13), None)]
