"""The one place that chooses a warehouse's engine."""

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.adapters.postgres.adapter import PostgresWarehouse
from warehouse.adapters.protocol import Warehouse
from warehouse.settings import Settings


def open_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse that the settings name; nothing is opened before it is used."""
    if settings.warehouse_engine == "postgres":
        return PostgresWarehouse.of(settings)
    return DuckDBWarehouse(settings.warehouse_path)
