"""What readers and analysts see after two publications, worked out by hand."""

from datetime import date
from typing import Any

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse
from tests.support.two_publications import RECORDED, entry


def test_current_holds_the_rows_of_the_pointer(published: HandmadeWarehouse) -> None:
    found = published.rows("select user_id, rank, item_id from recs.recommendations_current order by 1, 2")
    assert found == [("u1", 1, "f3"), ("u1", 2, "f4"), ("u2", 1, "f4")]


def test_history_holds_every_date(published: HandmadeWarehouse) -> None:
    found = published.rows(
        "select data_date, count(*) from recs.recommendations_history group by data_date order by data_date"
    )
    assert found == [(date(2026, 1, 9), 3), (date(2026, 1, 10), 3)]


def test_the_diff_names_what_entered_left_and_moved(published: HandmadeWarehouse) -> None:
    found = published.rows(
        "select user_id, item_id, change, rank, previous_rank from recs.recommendations_diff order by 1, 2"
    )
    assert found == [("u1", "f2", "left", None, 1), ("u1", "f3", "moved", 1, 2), ("u1", "f4", "entered", 2, None)]


@pytest.fixture(scope="module")
def redone(engine: Any, published: HandmadeWarehouse) -> HandmadeWarehouse:
    """9 January once more, with another first film for u1, and an attempt at the 10th that a gate refused."""
    warehouse: HandmadeWarehouse = engine.copy(published)
    attempts = [("2026-01-09", 1), ("2026-01-10", 1), ("2026-01-09", 2), ("2026-01-10", 2)]
    warehouse.insert(
        "recs.publication_attempts",
        [
            (f"{day}.{number}", day, number, RECORDED, None, "auto", "all", None, "backfill", "v", RECORDED, None)
            for day, number in attempts
        ],
    )
    warehouse.insert("recs.publications", [entry(3, "2026-01-09.2", "history", "2026-01-10.1", "other")])
    warehouse.execute(
        "insert into recs.recommendations select '2026-01-09.2', data_date, user_id, domain, rank, "
        "replace(item_id, 'f2', 'f5'), score, source, contributions, reason_item_id "
        "from recs.recommendations where publication_id = '2026-01-09.1'"
    )
    verdict = ("popularity", "refused", "recall@2 0.1 against 0.2", 0.1, 0.2, "recall@2", None, None, RECORDED)
    warehouse.insert("recs.gate_decisions", [("2026-01-10.2", "2026-01-10", *verdict)])
    return warehouse


def test_one_table_answers_what_a_backfill_did(redone: HandmadeWarehouse) -> None:
    found = redone.rows(
        "select publication_id, outcome, is_current, recommendation_rows, recall, refused_by, previous_publication_id, "
        "is_changed, rows_changed from recs.night_outcomes where run_id = 'backfill' order by publication_id",
    )
    assert found == [
        ("2026-01-09.1", "published", False, 3, None, None, None, None, None),
        ("2026-01-09.2", "history", False, 3, None, None, "2026-01-09.1", True, 1),
        ("2026-01-10.1", "published", True, 3, None, None, None, None, None),
        ("2026-01-10.2", "refused", False, None, 0.1, "popularity", None, None, None),
    ]


def test_catalogue_health_of_the_lists(published: HandmadeWarehouse) -> None:
    # 10 January: f3 once and f4 twice of 4 films. Gini of (0, 0, 1, 2): ((2*3-5)*1 + (2*4-5)*2) / (4*3) = 7/12.
    # Nobody liked f3 or f4 yet, so each counts one of the 2 users with an event worth more than 0: log2(2) bits.
    # Of the three listed pairs, u1 with f4 is new: churn 1/3.
    found = published.rows(
        "select items_available, items_reached, coverage, gini, mean_novelty, churn from marts.catalogue_health_daily "
        "where kind = 'recommended' and domain = 'films' and activity_date = '2026-01-10'",
    )
    assert found == [(4, 2, 0.5, pytest.approx(7 / 12), pytest.approx(1.0), pytest.approx(1 / 3))]


def test_catalogue_health_of_what_was_consumed(published: HandmadeWarehouse) -> None:
    # 10 January: u2 bought f2; u3's dislike and poke count nothing. u1 came on the 8th: 2 users in all.
    found = published.rows(
        "select domain, items_available, items_reached, coverage, gini, mean_novelty, churn "
        "from marts.catalogue_health_daily where kind = 'consumed' and activity_date = '2026-01-10' order by domain",
    )
    assert found == [
        ("books", 2, 0, 0.0, None, None, None),
        ("default", 1, 0, 0.0, None, None, None),
        ("films", 4, 1, 0.25, 0.75, pytest.approx(1.0), None),
    ]
