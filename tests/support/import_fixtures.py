"""Imports small hand-written files into the warehouse of the test."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.settings import Settings
from nightjar.importers.import_files import import_files
from nightjar.importers.loading import ImportCount
from nightjar.importers.read_options import ReadOptions
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse

IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]


def _importer(warehouse: Warehouse, tmp_path: Path) -> ImportText:
    """Write one file and import it; a text with surrogate escapes becomes those bytes."""

    def run(
        text: str | bytes,
        file: str = "events.csv",
        table: str = "interactions",
        imported_at: datetime = IMPORTED_AT,
        **options: Any,
    ) -> ImportCount:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        return import_files(warehouse, {table: path}, imported_at, options={table: ReadOptions(**options)})[0]

    return run


@pytest.fixture
def import_text(warehouse: Warehouse, tmp_path: Path) -> ImportText:
    """Import a text on every engine."""
    return _importer(warehouse, tmp_path)


@pytest.fixture
def local_warehouse(settings: Settings) -> Warehouse:
    """A warehouse of one engine, for what is decided where files are read, before any warehouse sees it."""
    opened = open_warehouse(settings)
    opened.create_tables()
    return opened


@pytest.fixture
def read_text(local_warehouse: Warehouse, tmp_path: Path) -> ImportText:
    """Import a text on one engine."""
    return _importer(local_warehouse, tmp_path)


@pytest.fixture
def rows_of(local_warehouse: Warehouse) -> Query:
    """Answer of the warehouse of one engine to one statement."""

    def run(statement: str) -> list[tuple[Any, ...]]:
        with local_warehouse.connect() as connection:
            return connection.execute(statement).fetchall()

    return run


@pytest.fixture
def query(warehouse: Warehouse) -> Query:
    """Answer of the warehouse to one statement."""

    def run(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.connect() as connection:
            return connection.execute(statement).fetchall()

    return run
