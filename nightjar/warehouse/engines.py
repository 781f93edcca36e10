"""The one place that chooses a warehouse's engine."""

from nightjar.contract.settings import Settings
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.protocol import Warehouse

# A user waits for the answer.
READING_BUSY_SECONDS = 15.0


def open_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse that the settings name; nothing is opened before it is used."""
    if settings.warehouse_engine == "postgres":
        return _postgres(settings)
    return DuckDBWarehouse(settings.warehouse_path, settings.warehouse_busy_minutes * 60)


def open_for_readers(settings: Settings) -> Warehouse:
    """Return where a command reads publications without blocking a run; for read-only connections only.

    That is the readers' snapshot. A home of an earlier version has none until its next publication: there it is the
    warehouse itself.
    """
    if settings.warehouse_engine == "postgres":
        return _postgres(settings)
    return _duckdb_for_readers(settings, READING_BUSY_SECONDS)


def open_without_waiting(settings: Settings) -> Warehouse:
    """Return the warehouse without waiting for a run that writes to it."""
    if settings.warehouse_engine == "postgres":
        return _postgres(settings)
    return DuckDBWarehouse(settings.warehouse_path, 0)


def open_with_deadline(settings: Settings, busy_deadline_seconds: float) -> Warehouse:
    """Return the warehouse with a waiting time of its own.

    Args:
        settings: of the warehouse.
        busy_deadline_seconds: how long a file is waited for while another process uses it, or a server's locks.
    """
    if settings.warehouse_engine == "postgres":
        return _postgres(settings, busy_deadline_seconds)
    return DuckDBWarehouse(settings.warehouse_path, busy_deadline_seconds)


def open_for_analysts(settings: Settings, busy_deadline_seconds: float) -> Warehouse:
    """Return the analysts' warehouse: the readers' snapshot; in PostgreSQL `recs` and `marts`, by a read-only role.

    Args:
        settings: of the warehouse, and the analysts' password.
        busy_deadline_seconds: how long a file is waited for while another process writes to it.
    """
    if settings.warehouse_engine == "postgres":
        return _postgres_of_analysts(settings, busy_deadline_seconds)
    return _duckdb_for_readers(settings, busy_deadline_seconds)


def _duckdb_for_readers(settings: Settings, busy_deadline_seconds: float) -> DuckDBWarehouse:
    path = settings.published_path if settings.published_path.exists() else settings.warehouse_path
    return DuckDBWarehouse(path, busy_deadline_seconds)


def _postgres(settings: Settings, busy_deadline_seconds: float | None = None) -> Warehouse:
    # Imported here: its driver takes a third of the time in which a command on a file answers.
    from nightjar.warehouse.postgres.adapter import PostgresWarehouse

    warehouse = PostgresWarehouse.of(settings)
    if busy_deadline_seconds is None:
        return warehouse
    return PostgresWarehouse(warehouse.where, busy_deadline_seconds)


def _postgres_of_analysts(settings: Settings, busy_deadline_seconds: float) -> Warehouse:
    from nightjar.warehouse.postgres.adapter import PostgresWarehouse
    from nightjar.warehouse.postgres.connection import Address
    from nightjar.warehouse.postgres.initialisation import ANALYST

    address = Address(
        settings.postgres_host,
        settings.postgres_port,
        settings.postgres_database,
        ANALYST,
        settings.postgres_analyst_password.get_secret_value(),
        setting="NIGHTJAR_POSTGRES_ANALYST",
    )
    return PostgresWarehouse(address, busy_deadline_seconds)
