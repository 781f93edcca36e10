"""Imports small hand-written files into the warehouse of the test."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse.adapters.protocol import Warehouse
from warehouse.importers.files import import_files
from warehouse.importers.loading import ImportCount

IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def import_text(warehouse: Warehouse, tmp_path: Path) -> ImportText:
    """Write one file and import it; a text with surrogate escapes becomes those bytes."""

    def run(
        text: str, file: str = "events.csv", table: str = "interactions", imported_at: datetime = IMPORTED_AT
    ) -> ImportCount:
        path = tmp_path / file
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return import_files(warehouse, {table: path}, imported_at)[0]

    return run


@pytest.fixture
def query(warehouse: Warehouse) -> Query:
    """Answer of the warehouse to one statement."""

    def run(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.connect() as connection:
            return connection.execute(statement).fetchall()

    return run
