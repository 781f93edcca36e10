"""Begins an attempt: its number, its publication id, its run folder."""

from warehouse.adapters.engines import open_warehouse
from warehouse.adapters.protocol import Warehouse
from warehouse.attempts import RunRequest, begin_attempt
from warehouse.event_counts import Visible, unknown_types, unknown_types_line
from warehouse.interval import parse_instant, resolve
from warehouse.progress import MARK
from warehouse.run_folder import RunRecord
from warehouse.settings import Settings
from warehouse.stages import parse_stages


def run(
    settings: Settings,
    *,
    interval_start: str,
    interval_end: str,
    publish: str,
    stages: str,
    ingested_before: str,
    note: str,
    run_id: str,
) -> RunRecord:
    """Begin the next attempt at the interval's date; print which event types have no weight.

    Raises:
        BadInput: an argument is wrong, or the interval holds too few events.
    """
    request = RunRequest(
        interval=resolve(interval_start, interval_end),
        run_id=run_id,
        publish_mode=publish,
        stages=parse_stages(stages),
        ingested_before=parse_instant("ingested_before", ingested_before) if ingested_before else None,
        note=note,
    )
    warehouse = open_warehouse(settings)
    record = begin_attempt(settings, warehouse, request)
    if "features" in record.stages:
        _name_unknown_types(settings, warehouse, record)
    return record


def _name_unknown_types(settings: Settings, warehouse: Warehouse, record: RunRecord) -> None:
    with warehouse.connect(read_only=True) as connection:
        unknown = unknown_types(connection, Visible(record.interval.as_of, record.ingested_before))
    if unknown:
        print(f"{MARK} begin: {unknown_types_line(unknown, settings.unknown_event_weight)}", flush=True)
