"""The demo shop's run with PostgreSQL as the warehouse: the same rows as in a file, read by analysts."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.postgres.initialisation import ANALYST
from tests.support.explorer_queries import check_every_query_has_rows
from tests.support.postgres_server import PostgresServer
from tests.support.warehouse_homes import new_database, session, variables_of

SHOP_DATE = "2026-03-31"
TABLES = ("recommendations", "similar_items", "popular_items", "item_embeddings", "user_embeddings", "model_metrics")


@pytest.fixture(scope="module")
def database(initialised_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with new_database(initialised_server, tmp_path_factory.mktemp("unused")) as settings:
        yield settings


@pytest.fixture(scope="module")
def shared(new_home: Callable[[str], Any], database: Settings) -> str:
    """What a run printed whose home has no warehouse of its own."""
    home = new_home("shared")
    # PostgreSQL's own settings only: the home sets its own path.
    variables = {name: value for name, value in variables_of(database).items() if "POSTGRES" in name}
    variables["NIGHTJAR_WAREHOUSE_ENGINE"] = "postgres"
    imported = home.nightjar("import", "demo-shop", **variables)
    assert imported.returncode == 0, imported.stdout
    printed: str = home.run(SHOP_DATE, **variables)
    assert not home.settings.warehouse_path.exists()
    assert database.postgres_password.get_secret_value() not in _texts_below(home.path / "logs")
    return printed


def _texts_below(folder: Path) -> str:
    # The role is named as its password is: what is looked for is the variable's assignment.
    texts = [path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()]
    return "\n".join(line for text in texts for line in text.splitlines() if "PASSWORD" in line.upper())


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings).connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_content_is_that_of_the_same_run_in_a_file(shop: Any, shared: str, database: Settings) -> None:
    query = (
        "select publication_id, data_date, action, content_hash, recommendation_rows from recs.publications "
        "where publication_id = '2026-03-31.1'"
    )
    [published] = rows(database, query)
    assert published[:3] == ("2026-03-31.1", date(2026, 3, 31), "published")
    assert [published] == shop.home.rows(query)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_the_same(shop: Any, shared: str, database: Settings, table: str) -> None:
    query = f"select * from recs.{table} where publication_id = '2026-03-31.1'"
    found, expected = rows(database, query), shop.home.rows(query)
    assert len(found) > 0
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_analysts_read_the_current_publication_and_the_marts_only(shared: str, database: Settings) -> None:
    with session(database, ANALYST) as analyst:
        current = analyst.execute("select distinct publication_id from recs.recommendations_current").fetchall()
        assert current == [("2026-03-31.1",)]
        assert analyst.execute("select count(*) > 0 from marts.catalogue_health_daily").fetchall() == [(True,)]
        for refused in (
            "select * from raw.interactions",
            "select * from core.fct_interactions",
            "delete from recs.recommendations returning user_id",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                analyst.execute(refused)


def test_the_outcomes_of_the_variants_are_those_in_a_file(shop: Any, shared: str, database: Settings) -> None:
    query = "select * from marts.variant_outcomes order by variant, slice_by, slice"
    found, expected = rows(database, query), sorted(shop.home.rows(query))
    assert len(found) > 100
    for row, wanted in zip(sorted(found), expected, strict=True):
        assert row == tuple(pytest.approx(value) if isinstance(value, float) else value for value in wanted)


def test_analysts_explore_the_run_with_their_own_role(shared: str, database: Settings) -> None:
    check_every_query_has_rows(database)
