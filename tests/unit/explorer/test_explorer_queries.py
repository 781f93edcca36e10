"""The explorer's queries as the analysts' role, on two weeks of handmade rows, on both engines."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.explorer import clicks, items, publications, quality, users
from nightjar.explorer.warehouse_queries import QueryResult, query_warehouse
from nightjar.publishing.run_failures import RunFailure, upsert_failure
from nightjar.publishing.runner_process import this_process
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row
from tests.support.refusals import refused
from tests.support.two_weeks import CURRENT


def test_recommendations_history_and_similar_items_are_by_title(two_weeks: Settings) -> None:
    recommendations, history, similar = query_warehouse(
        two_weeks,
        lambda connection: (
            users.recommendations_of(connection, CURRENT, "user-02"),
            users.user_history(connection, "user-02", 2),
            items.similar_items(connection, CURRENT, "film-01"),
        ),
    )
    # user-02 is the second user: its first item in each domain is the third, with the second film as reason.
    assert len(recommendations.rows) == 15
    assert recommendations.rows[5] == (
        "films",
        1,
        "The Bright Verdict",
        "personal",
        "The Bright Harbour",
        2.5,
        "film-07",
        '{"lightfm":1.75,"ease":0.75}',
    )
    assert [row[1:4] for row in history.rows] == [
        ("view", "The Quiet Verdict", "books"),
        ("view", "The Bright Verdict", "films"),
    ]
    assert [(domain, rank, title) for domain, rank, title, *_ in similar.rows][5:7] == [
        ("films", 1, "The Bright Verdict"),
        ("films", 2, "The Hollow Dynasty"),
    ]


def test_a_users_scores_are_split_by_source(two_weeks: Settings, warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        # A row to which one source adds nothing, and one that no source scores.
        for rank, contributions in ((4, '{"ease":-0.5}'), (5, None)):
            connection.execute(
                "update recs.recommendations set contributions = ? where user_id = ? and domain = ? and rank = ?",
                [contributions, "user-02", "films", rank],
            )
    recommendations = query_warehouse(
        two_weeks, lambda connection: users.recommendations_of(connection, CURRENT, "user-02")
    )
    domain = recommendations.columns.index("domain")
    films = QueryResult(recommendations.columns, [row for row in recommendations.rows if row[domain] == "films"])
    split = users.contributions_of(films)
    assert split.columns == ["item", "rank", "source", "contribution"]
    assert [row[1:] for row in split.rows] == [
        *((1, "lightfm", 1.75), (2, "lightfm", 1.5), (3, "lightfm", 1.25), (4, "lightfm", 0)),
        *((1, "ease", 0.75), (2, "ease", 0.5), (3, "ease", 0.25), (4, "ease", -0.5)),
    ]
    assert split.rows[0][0] == "1. The Bright Verdict"


def test_recommendations_of_a_warehouse_without_contributions_are_shown(
    two_weeks: Settings, warehouse: Warehouse
) -> None:
    with warehouse.transaction() as connection:
        connection.execute("alter table recs.recommendations drop column contributions")
    recommendations = query_warehouse(
        two_weeks, lambda connection: users.recommendations_of(connection, CURRENT, "user-02")
    )
    assert len(recommendations.rows) == 15
    assert users.contributions_of(recommendations).rows == []


def test_an_item_is_found_by_a_part_of_its_title_in_any_case_and_by_its_id(two_weeks: Settings) -> None:
    def titles(text: str) -> list[str]:
        found: list[str] = query_warehouse(two_weeks, lambda connection: items.find_items(connection, text)).column(
            "title"
        )
        return found

    assert titles("quiet c") == ["The Quiet Cipher"]
    assert titles("film-01") == ["The Quiet Cipher"]
    assert len(titles("")) == 32
    assert titles("%") == []


def test_typed_text_is_never_part_of_the_sql(two_weeks: Settings) -> None:
    hostile = "' or 1=1; drop table recs.recommendations; --"
    found = query_warehouse(
        two_weeks,
        lambda connection: (
            users.find_users(connection, CURRENT, hostile),
            items.find_items(connection, hostile).rows,
            clicks.by_variant(connection, hostile).rows,
        ),
    )
    assert found == ([], [], [])
    assert (
        query_warehouse(two_weeks, lambda connection: users.find_users(connection, CURRENT, "user-0"))[0] == "user-01"
    )


def test_each_date_shows_the_figures_of_its_last_publication(two_weeks: Settings, warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        again = {"publication_id": "2026-03-31.2", "data_date": "2026-03-31"}
        entry = {"ledger_id": 15, "as_of": "2026-04-01 00:00Z", "action": "history", "recorded_at": "2026-04-02 00:00Z"}
        entry |= {"previous_publication_id": CURRENT, "recommendation_rows": 1} | dict.fromkeys(
            ("model_uri", "mlflow_run_id", "content_hash", "code_version", "actor", "reason"), "x"
        )
        lay_row(connection, "recs.publications", again | entry)
        figure = {"model": "nightjar", "slice": "all", "metric": "recall", "k": 10, "value": 0.5, "users": 7}
        lay_row(connection, "recs.model_metrics", again | figure)
    found = query_warehouse(two_weeks, lambda connection: quality.metric_over_time(connection, "recall", "all", 10))
    # Thirteen dates with three models each, and the last one with the only model of its second publication.
    assert len(found.rows) == 40
    assert [row[1:] for row in found.rows[-1:]] == [("2026-03-31.2", "nightjar", 0.5, 7)]


def test_sources_alone_are_kept_apart_from_the_compared_models(two_weeks: Settings) -> None:
    models, sources, none = query_warehouse(
        two_weeks,
        lambda connection: (
            quality.metric_over_time(connection, "recall", "all", 10),
            quality.sources_over_time(connection, "recall", "all", 10),
            quality.sources_over_time(connection, "coverage", "all", 10),
        ),
    )
    assert sorted(set(models.column("model"))) == ["champion", "nightjar", "popularity"]
    assert sources.column("model") == ["ease", "lightfm"] * 14
    assert sources.rows[0][3:] == (0.16, 500)
    assert none.rows == []


def test_the_current_publication_is_the_first_to_choose(two_weeks: Settings) -> None:
    choices, gates = query_warehouse(
        two_weeks,
        lambda connection: (
            publications.publications(connection),
            publications.gate_decisions(connection, CURRENT),
        ),
    )
    assert choices.column("publication_id")[:2] == [CURRENT, "2026-03-30.1"]
    assert len(choices.rows) == 14
    assert gates.rows[0][:2] == ("popularity", "passed")


def test_clicks_are_summed_by_variant_with_an_interval(two_weeks: Settings) -> None:
    total, ranks, elsewhere = query_warehouse(
        two_weeks,
        lambda connection: (
            clicks.by_variant(connection, ""),
            clicks.by_rank(connection, "films"),
            clicks.by_variant(connection, "books").rows,
        ),
    )
    # Each day 30 + 15 + 10 + 7 + 6 = 68 (or 60 + 30 + 20 + 15 + 12 = 137) and a remainder of 7 that sums up to 42
    # a rank in two weeks.
    assert [(row[0], row[1], row[2]) for row in total.rows] == [
        ("control", 35_000, 14 * 68 + 5 * 42),
        ("nightjar", 35_000, 14 * 137 + 5 * 42),
    ]
    assert total.column("ctr")[0] == pytest.approx(1162 / 35_000)
    assert ranks.rows[0][:4] == (1, "control", 7_000, 14 * 30 + 42)
    assert elsewhere == []


def test_wilsons_interval_of_published_examples() -> None:
    # Published examples: 10 of 100, and none of 10.
    assert clicks.wilson_interval(10, 100) == pytest.approx((0.0552, 0.1744), abs=5e-5)
    assert clicks.wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5)
    assert clicks.wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=5e-5)


def test_a_page_cannot_write_to_the_warehouse(two_weeks: Settings, engine: str) -> None:
    read_only = (
        pytest.raises(duckdb.InvalidInputException)
        if engine == "duckdb"
        else refused(BadInput, "permission_denied", wording=False)
    )
    with read_only:
        query_warehouse(two_weeks, lambda connection: connection.execute("delete from recs.gate_decisions"))


def test_a_table_that_dbt_has_not_built_yet_is_named(warehouse: Warehouse, settings: Settings, engine: str) -> None:
    code = "missing_table" if engine == "duckdb" else "not_initialised"
    with refused(BadInput, code, wording=False) as error:
        query_warehouse(settings, lambda connection: items.find_items(connection, ""))
    assert "item_titles" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.integration
def test_a_file_open_for_writing_is_waited_for_and_then_reported_as_busy(
    tmp_path: Path, hold_file: Callable[[Path], AbstractContextManager[None]]
) -> None:
    settings = Settings(home=tmp_path, explorer_busy_seconds=1)
    warehouse = DuckDBWarehouse(settings.warehouse_path)
    warehouse.create_tables()
    path = settings.warehouse_path
    with hold_file(path), refused(NightjarError, "file_busy", wording=False, path=path):
        query_warehouse(settings, quality.available_metrics)
    assert query_warehouse(settings, quality.available_metrics).rows == []
    # The query leaves no handle on the file.
    with hold_file(settings.warehouse_path):
        pass


def test_an_attempt_whose_process_is_gone_has_died_and_refusals_without_an_attempt_are_listed(
    two_weeks: Settings, warehouse: Warehouse
) -> None:
    day = date(2027, 1, 1)
    host = this_process().partition(":")[0]
    with warehouse.transaction() as connection:
        ids = {"publication_id": "2027-01-01.1", "data_date": day}
        attempt = {"attempt": 1, "stages": "publication", "started_at": datetime(2027, 1, 2, tzinfo=UTC)}
        gone = {"runner": f"{host}:{2**22 + 1}:1"}
        rest = dict.fromkeys(("publish_mode", "run_id", "code_version"), "x") | {"as_of": attempt["started_at"]}
        lay_row(connection, "recs.publication_attempts", ids | attempt | gone | rest)
        connection.execute(
            "insert into recs.night_outcomes (publication_id, data_date, outcome, started_at) values (?, ?, ?, ?)",
            ["2027-01-01.1", day, "running", attempt["started_at"]],
        )
        upsert_failure(connection, RunFailure("r", "begin", "refused", "r", 2, data_date=date(2027, 1, 3)))
    attempts, failed = query_warehouse(
        two_weeks, lambda connection: (publications.attempts(connection), publications.failures(connection))
    )
    newest = dict(zip(attempts.columns, attempts.rows[0], strict=True))
    assert (newest["publication_id"], newest["outcome"]) == ("2027-01-01.1", "died")
    assert str(2**22 + 1) in newest["reason"]
    assert {(row[0], row[3], row[4]) for row in failed.rows} == {("2027-01-01.1", "", "died"), ("", "begin", "refused")}
