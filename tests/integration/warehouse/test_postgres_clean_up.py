"""Retention in PostgreSQL: partitions go without keeping readers waiting, and a clean-up that died is finished."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.publish import publish
from nightjar.publishing.retention.removal import remove_rows
from nightjar.publishing.rollback import roll_back
from nightjar.warehouse.postgres.adapter import PostgresWarehouse
from tests.support.refusals import refused

OLD, KEPT, FAILED = "2026-01-01.1", "2026-06-30.1", "2026-06-02.1"
AS_OF = date(2026, 6, 30)


@pytest.fixture
def cleaned(
    postgres_settings: Settings, postgres: PostgresWarehouse, lay_in: Callable[..., RunFolder]
) -> Callable[..., None]:
    """An expired publication, the current one and a failed attempt; calling it cleans up."""
    settings = postgres_settings.model_copy(update={"retention_rollback_publications": 1})
    for publication_id in (OLD, "2026-06-29.1", KEPT):
        lay_in(settings, publication_id)
    lay_in(settings, FAILED, None)
    with postgres.transaction() as connection:
        postgres.prepare_publication(connection, FAILED)
    lay_in(settings, "2026-07-15.1", None, started_at=datetime(2026, 7, 15, tzinfo=UTC))

    def clean_up(deadline_seconds: float = 60) -> None:
        remove_rows(PostgresWarehouse(postgres.where, deadline_seconds), settings, AS_OF)

    return clean_up


def rows(warehouse: PostgresWarehouse, query: str) -> list[Any]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def partitions(warehouse: PostgresWarehouse) -> set[str]:
    """The publications that have a table of their own, attached or not."""
    found = rows(
        warehouse,
        "select distinct substring(tablename from '_(\\d{4}_\\d\\d_\\d\\d_\\d+)$') from pg_tables "
        "where schemaname = 'recs_partitions'",
    )
    return {name for (name,) in found}


def test_the_tables_of_expired_and_failed_attempts_are_dropped(
    postgres: PostgresWarehouse, cleaned: Callable[..., None]
) -> None:
    assert partitions(postgres) == {"2026_01_01_1", "2026_06_02_1", "2026_06_29_1", "2026_06_30_1"}
    cleaned()
    cleaned()
    assert partitions(postgres) == {"2026_06_29_1", "2026_06_30_1"}
    assert rows(postgres, "select publication_id from recs.recommendations order by 1") == [("2026-06-29.1",), (KEPT,)]
    assert rows(postgres, "select publication_id from recs_staging.recommendations") == [("2026-07-15.1",)]


def test_a_reader_keeps_only_the_clean_up_waiting_and_the_next_one_finishes(
    postgres: PostgresWarehouse, cleaned: Callable[..., None]
) -> None:
    count = "select count(*) from recs.recommendations"
    with postgres.connect(read_only=True) as reader:
        assert reader.execute(count).fetchall() == [(3,)]
        with refused(NightjarError, "warehouse_busy", wording=False):
            cleaned(deadline_seconds=0.2)
        # Who comes now neither waits nor finds what goes.
        assert rows(postgres, count) == [(2,)]
        assert reader.execute(count).fetchall() == [(3,)]
    with refused(BadInput, "incomplete_publication", wording=False, publication_id=OLD):
        roll_back(postgres, OLD, actor="ann", reason="too late")
    assert "2026_01_01_1" in partitions(postgres)
    cleaned()
    assert partitions(postgres) == {"2026_06_29_1", "2026_06_30_1"}


def test_a_clean_up_that_died_between_detaching_and_dropping_is_finished(
    postgres: PostgresWarehouse, cleaned: Callable[..., None]
) -> None:
    with postgres.connect() as connection:
        name = "recs_partitions.recommendations_2026_01_01_1"
        connection.execute(f"alter table recs.recommendations detach partition {name} concurrently")
    cleaned()
    assert partitions(postgres) == {"2026_06_29_1", "2026_06_30_1"}


def test_an_attempt_without_a_place_gets_one_when_it_is_published(
    postgres: PostgresWarehouse, stage: Callable[..., Any]
) -> None:
    run = stage(10)
    with postgres.connect() as connection:
        connection.execute("drop table recs_partitions.recommendations_2026_03_10_1")
    assert publish(postgres, run, model_uri="m", mlflow_run_id="m", content_hash="h").moved
    assert rows(postgres, "select count(*) from recs.recommendations") == [(3,)]
