"""Begins an attempt: its number, its publication id, its run folder."""

from datetime import datetime

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.attempts import begin_attempt
from warehouse.errors import BadInput
from warehouse.interval import resolve
from warehouse.run_folder import RunRecord
from warehouse.settings import Settings


def run(
    settings: Settings, *, interval_start: str, interval_end: str, publish: str, ingested_before: str, run_id: str
) -> RunRecord:
    """Begin the next attempt at the interval's date.

    Raises:
        BadInput: an argument is wrong, or the interval holds too few events.
    """
    try:
        before = datetime.fromisoformat(ingested_before) if ingested_before else None
    except ValueError as error:
        raise BadInput(f"ingested_before {ingested_before!r} is no ISO 8601 timestamp") from error
    if before is not None and before.tzinfo is None:
        raise BadInput(f"ingested_before {ingested_before!r} has no time zone")
    return begin_attempt(
        settings,
        DuckDBWarehouse(settings.warehouse_path),
        resolve(interval_start, interval_end),
        publish_mode=publish,
        run_id=run_id,
        ingested_before=before,
    )
