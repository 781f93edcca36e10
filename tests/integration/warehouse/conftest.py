"""A warehouse in PostgreSQL alone, and attempts whose rows were loaded from files as a night loads them."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from nightjar.contract.gates import REQUIRED_GATES, GateDecision
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.contract.tables import STAGED
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.publishing.output_rows import arrow_schema
from nightjar.publishing.run_request import RunRequest
from nightjar.warehouse.postgres.adapter import PostgresWarehouse
from nightjar.warehouse.protocol import insert_row
from tests.support.postgres_server import PostgresServer
from tests.support.warehouse_homes import new_database


@pytest.fixture
def postgres_settings(initialised_server: PostgresServer, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a home whose warehouse is an empty database of the test's own."""
    with new_database(initialised_server, tmp_path / "home") as settings:
        yield settings


@pytest.fixture
def postgres(postgres_settings: Settings) -> PostgresWarehouse:
    """That warehouse."""
    return PostgresWarehouse.of(postgres_settings)


@pytest.fixture
def begin(postgres: PostgresWarehouse, postgres_settings: Settings) -> Callable[[int], RunRecord]:
    """Begin an attempt at a day of March, on each of which something happened; all its gates pass."""
    with postgres.transaction() as connection:
        for day in range(1, 32):
            at = of_date(f"2026-03-{day:02}").start + timedelta(hours=12)
            event = {"event_id": f"e{day}", "user_id": "u1", "item_id": "i1", "event_type": "view"}
            insert_row(connection, "raw.interactions", event | {"occurred_at": at, "ingested_at": at})

    def begun(day: int) -> RunRecord:
        run = begin_attempt(postgres_settings, postgres, RunRequest(of_date(f"2026-03-{day:02}"), f"run-{day}"))
        record_decisions(postgres, run, [GateDecision(gate, "passed", "as it should") for gate in REQUIRED_GATES])
        return run

    return begun


@pytest.fixture
def stage(
    postgres: PostgresWarehouse, postgres_settings: Settings, begin: Callable[[int], RunRecord]
) -> Callable[..., RunRecord]:
    """Begin an attempt at a day of March and load its files; each of its users has one recommendation."""

    def staged(day: int, users: int = 3) -> RunRecord:
        run = begin(day)
        folder = RunFolder.of(postgres_settings.lake, run.publication_id)
        lists = [
            {"user_id": f"u{n}", "domain": "films", "rank": 1, "item_id": f"i{day}", "score": 0.5, "source": "personal"}
            for n in range(users)
        ]
        for table in STAGED:
            rows = lists if table.name == "recommendations" else []
            folder.output(table.name).mkdir(parents=True)
            written = arrow_schema(table.name).empty_table().from_pylist(rows, arrow_schema(table.name))
            pq.write_table(written, folder.output(table.name) / "part-0.parquet")
            postgres.load({table: folder.output(table.name)}, run.publication_id, date(2026, 3, day))
        return run

    return staged
