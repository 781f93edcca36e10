"""What every command does that fills the raw tables: open the warehouse, count, and print."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import typer

from nightjar.contract.file_access import check_readable, check_writable
from nightjar.contract.settings import load_settings
from nightjar.importers.loading import ImportCount
from nightjar.publishing.event_counts import unknown_types, unknown_types_line
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse


def run_import(import_into: Callable[[Warehouse], list[ImportCount]], paths: Iterable[Path] = ()) -> None:
    """Import into the warehouse of the settings, and print one line a table with what was added and rejected.

    Args:
        import_into: Called with the warehouse, whose tables exist.
        paths: What it reads; they are checked before the warehouse is opened.

    Raises:
        BadInput: a path cannot be read, the home cannot be written, or the import refuses its files.
    """
    settings = load_settings()
    check_readable(paths)
    if settings.warehouse_engine == "duckdb":
        check_writable(settings.home)
    warehouse = open_warehouse(settings)
    warehouse.create_tables()
    started = time.monotonic()
    counts = import_into(warehouse)
    seconds = time.monotonic() - started
    for count in counts:
        hint = " (see raw.rejected_rows)" if count.rejected else ""
        repeated = f" ({count.repeated:,} repeat a row of this import)" if count.repeated else ""
        typer.echo(
            f"{count.table_name}: {count.added:,} added, {count.already_there:,} already there{repeated},"
            f" {count.rejected:,} rejected{hint}"
        )
    _warn_of_unknown_types(warehouse, counts)
    rows = sum(count.added + count.already_there + count.rejected for count in counts)
    typer.echo(f"{rows:,} rows in {seconds:.1f} s, {rows / max(seconds, 0.001):,.0f} rows/s")


def _warn_of_unknown_types(warehouse: Warehouse, counts: list[ImportCount]) -> None:
    if not any(count.table_name == "raw.interactions" for count in counts):
        return
    with warehouse.connect(read_only=True) as connection:
        unknown = unknown_types(connection)
    if unknown:
        typer.echo(f"warning: {unknown_types_line(unknown, load_settings().unknown_event_weight)}")
