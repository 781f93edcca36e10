"""What readers and analysts see after two publications, worked out by hand."""

import shutil
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from warehouse.adapters.duckdb import DuckDBWarehouse

Rows = Callable[[DuckDBWarehouse, str], list[tuple[Any, ...]]]

# u1's and u2's films on two data dates: of u1 one of two films changes, u2 keeps the one film.
LISTS = {
    ("2026-01-09.1", "2026-01-09"): [("u1", 1, "f2"), ("u1", 2, "f3"), ("u2", 1, "f4")],
    ("2026-01-10.1", "2026-01-10"): [("u1", 1, "f3"), ("u1", 2, "f4"), ("u2", 1, "f4")],
}
PUBLISH = """
    insert into recs.publications values
        ({ledger_id}, '{publication}', '{day}', '{day} 00:00:00+00', '{action}', {previous}, 'm', 'r', 'h', 3, 'v', 'a',
         'test', '2026-01-11 00:00:00+00')
"""


@pytest.fixture(scope="module")
def published(project: Any, built_warehouse: DuckDBWarehouse, tmp_path_factory: Any) -> DuckDBWarehouse:
    """Two publications, the later one current, and three exposures of it; then `dbt build --select tag:marts`."""
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("published") / "warehouse.duckdb")
    shutil.copy(built_warehouse.path, warehouse.path)
    with warehouse.transaction() as connection:
        for ledger_id, ((publication, day), lists) in enumerate(LISTS.items(), 1):
            previous = "null" if ledger_id == 1 else "'2026-01-09.1'"
            connection.execute(
                PUBLISH.format(
                    ledger_id=ledger_id, publication=publication, day=day, action="published", previous=previous
                )
            )
            connection.executemany(
                "insert into recs.recommendations values (?, ?, ?, 'films', ?, ?, 0.5, 'personal', null)",
                [(publication, day, *row) for row in lists],
            )
            connection.execute(
                "insert into recs.model_metrics values (?, ?, 'nightjar', 'all', 'recall', 2, 0.4, 3)",
                [publication, day],
            )
        connection.execute(
            "insert into recs.current_publication values ('2026-01-10.1', '2026-01-10', 2, '2026-01-11 00:00:00+00')"
        )
        connection.executemany(
            "insert into raw.exposures values "
            "(?, ?, ?, ?, '2026-01-10.1', 'a', '2026-01-11 09:00:00+00', '2026-01-11 09:00:00+00')",
            [("x1", "u1", "f3", 1), ("x2", "u2", "f3", 1), ("x3", "u2", "f4", 1)],
        )
    project.run_facts(warehouse.path, "2026-01-11", "2026-01-12")
    done = project.dbt(warehouse.path, "build", "--select", "tag:marts")
    assert done.success, [(each.node.name, each.message) for each in done.result if each.status != "pass"]
    return warehouse


def test_current_holds_the_rows_of_the_pointer(rows: Rows, published: DuckDBWarehouse) -> None:
    found = rows(published, "select user_id, rank, item_id from recs.recommendations_current order by all")
    assert found == [("u1", 1, "f3"), ("u1", 2, "f4"), ("u2", 1, "f4")]


def test_history_holds_every_date(rows: Rows, published: DuckDBWarehouse) -> None:
    found = rows(published, "select data_date, count(*) from recs.recommendations_history group by all order by all")
    assert found == [(date(2026, 1, 9), 3), (date(2026, 1, 10), 3)]


def test_the_diff_names_what_entered_left_and_moved(rows: Rows, published: DuckDBWarehouse) -> None:
    found = rows(
        published, "select user_id, item_id, change, rank, previous_rank from recs.recommendations_diff order by all"
    )
    assert found == [("u1", "f2", "left", None, 1), ("u1", "f3", "moved", 1, 2), ("u1", "f4", "entered", 2, None)]


@pytest.fixture(scope="module")
def redone(published: DuckDBWarehouse, tmp_path_factory: Any) -> DuckDBWarehouse:
    """9 January once more, with another first film for u1, and an attempt at the 10th that a gate refused."""
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("redone") / "warehouse.duckdb")
    shutil.copy(published.path, warehouse.path)
    attempts = [("2026-01-09", 1), ("2026-01-10", 1), ("2026-01-09", 2), ("2026-01-10", 2)]
    with warehouse.transaction() as connection:
        connection.executemany(
            "insert into recs.publication_attempts by name select ? as publication_id, ? as data_date, ? as attempt, "
            "'2026-01-12 00:00:00+00' as as_of, 'auto' as publish_mode, 'all' as stages, 'backfill' as run_id, "
            "'v' as code_version, '2026-01-12 00:00:00+00' as started_at",
            [(f"{day}.{attempt}", day, attempt) for day, attempt in attempts],
        )
        connection.execute(
            PUBLISH.format(
                ledger_id=3, publication="2026-01-09.2", day="2026-01-09", action="history", previous="'2026-01-10.1'"
            ).replace("'h'", "'other'")
        )
        connection.execute(
            "insert into recs.recommendations select '2026-01-09.2', data_date, user_id, domain, rank, "
            "replace(item_id, 'f2', 'f5'), score, source, reason_item_id "
            "from recs.recommendations where publication_id = '2026-01-09.1'"
        )
        connection.execute(
            "insert into recs.gate_decisions values ('2026-01-10.2', '2026-01-10', 'popularity', 'refused', "
            "'recall@2 0.1 against 0.2', 0.1, 0.2, '2026-01-12 00:00:00+00')"
        )
    return warehouse


def test_one_table_answers_what_a_backfill_did(rows: Rows, redone: DuckDBWarehouse) -> None:
    found = rows(
        redone,
        "select publication_id, outcome, is_current, recommendation_rows, recall, refused_by, previous_publication_id, "
        "is_changed, rows_changed from recs.night_outcomes where run_id = 'backfill' order by publication_id",
    )
    assert found == [
        ("2026-01-09.1", "published", False, 3, None, None, None, None, None),
        ("2026-01-09.2", "history", False, 3, None, None, "2026-01-09.1", True, 1),
        ("2026-01-10.1", "published", True, 3, None, None, None, None, None),
        ("2026-01-10.2", "refused", False, None, 0.1, "popularity", None, None, None),
    ]


def test_ctr_counts_exposures_by_how_the_item_was_chosen(rows: Rows, published: DuckDBWarehouse) -> None:
    # u2 clicked f3 at 10:00 on 11 January, an hour after it was shown; the publication did not list it for u2.
    found = rows(
        published,
        "select source, domain, rank, exposures, clicks, ctr from marts.recommendation_ctr_daily order by all",
    )
    assert found == [("personal", "films", 1, 2, 0, 0.0), ("unknown", "films", 1, 1, 1, 1.0)]


def test_predicted_recall_stands_beside_realised_ctr(rows: Rows, published: DuckDBWarehouse) -> None:
    found = rows(
        published,
        "select publication_id, k, predicted_recall, exposures, clicks, ctr "
        "from marts.publication_outcomes order by publication_id",
    )
    assert found == [("2026-01-09.1", 2, 0.4, 0, 0, None), ("2026-01-10.1", 2, 0.4, 3, 1, 1 / 3)]


def test_catalogue_health_of_the_lists(rows: Rows, published: DuckDBWarehouse) -> None:
    # 10 January: f3 once and f4 twice of 4 films. Gini of (0, 0, 1, 2): ((2*3-5)*1 + (2*4-5)*2) / (4*3) = 7/12.
    # Nobody liked f3 or f4 yet, so each counts one of the 3 users with an event worth more than 0: log2(3) bits.
    # Of the three listed pairs, u1 with f4 is new: churn 1/3.
    found = rows(
        published,
        "select items_available, items_reached, coverage, gini, mean_novelty, churn from marts.catalogue_health_daily "
        "where kind = 'recommended' and domain = 'films' and activity_date = '2026-01-10'",
    )
    assert found == [(4, 2, 0.5, pytest.approx(7 / 12), pytest.approx(1.5849625), pytest.approx(1 / 3))]


def test_catalogue_health_of_what_was_consumed(rows: Rows, published: DuckDBWarehouse) -> None:
    # 10 January: u2 bought f2 and u3 poked x1; u3's dislike is worth nothing. u1 came on the 8th: 3 users in all.
    found = rows(
        published,
        "select domain, items_available, items_reached, coverage, gini, mean_novelty, churn "
        "from marts.catalogue_health_daily where kind = 'consumed' and activity_date = '2026-01-10' order by domain",
    )
    assert found == [
        ("books", 2, 0, 0.0, None, None, None),
        ("default", 1, 1, 1.0, 0.0, pytest.approx(1.5849625), None),
        ("films", 4, 1, 0.25, 0.75, pytest.approx(1.5849625), None),
    ]
