"""Fixtures that every part shares: a home of its own for each test."""

from pathlib import Path

import pytest

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.settings import REPOSITORY, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def warehouse(settings: Settings) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(settings.warehouse_path)
    opened.create_tables()
    return opened


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} with the public data sets is not there")
    return folder
