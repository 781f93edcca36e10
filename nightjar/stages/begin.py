"""Begins an attempt: its data interval, its number, its publication id, its run folder."""

from datetime import UTC, datetime

from ml.tracking_store import check_experiment
from nightjar.contract.environment import inherited_runner
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval, parse_instant, resolve
from nightjar.contract.progress import MARK
from nightjar.contract.run_folder import RunRecord
from nightjar.contract.schedule import Schedule
from nightjar.contract.settings import Settings
from nightjar.contract.stage_groups import parse_stage_groups
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.event_counts import Visible, unknown_types, unknown_types_line
from nightjar.publishing.run_request import RunRequest
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse

_SCHEDULED, _BACKFILL, _MANUAL = "scheduled", "backfill", "manual"


def run(
    settings: Settings,
    *,
    interval_start: str,
    interval_end: str,
    data_date: str,
    run_type: str,
    publish: str,
    stages: str,
    ingested_before: str,
    note: str,
    run_id: str,
) -> RunRecord:
    """Begin the next attempt at the interval's date; print which event types have no weight.

    Args:
        settings: of the home.
        interval_start: start of the run's interval; empty, as its end, of a run without one.
        interval_end: its end.
        data_date: the date that a single run asks for instead of that interval; empty for none.
        run_type: Airflow's word for who started the run: scheduled, manual, backfill.
        publish: auto, never or force.
        stages: comma-separated; empty for all.
        ingested_before: rows that arrived later are not seen; empty for none.
        note: kept with the attempt.
        run_id: of Airflow.

    Raises:
        BadInput: an argument is wrong, the interval holds too few events, or MLflow's experiment is deleted.
        RunSkipped: a scheduled run's interval holds no event, and `NIGHTJAR_EMPTY_INTERVAL` skips it.
    """
    check_experiment(settings)
    request = RunRequest(
        interval=(
            _interval_of(settings, data_date, run_type)
            if data_date or not interval_start
            else _ended(settings, resolve(interval_start, interval_end), run_type)
        ),
        run_id=run_id,
        publish_mode=publish,
        stages=parse_stage_groups(stages),
        ingested_before=parse_instant("ingested_before", ingested_before) if ingested_before else None,
        note=note,
        skips_empty=run_type == _SCHEDULED and settings.empty_interval == "skip",
        runner=inherited_runner(),
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


def _interval_of(settings: Settings, data_date: str, run_type: str) -> DataInterval:
    """Return the interval of a date, or the last complete one where no date is given."""
    now, schedule = datetime.now(UTC), Schedule(settings.schedule)
    if not data_date:
        return schedule.last_complete(now)
    if run_type in (_SCHEDULED, _BACKFILL):
        raise BadInput(
            f"data_date={data_date} in a {run_type} run: expected only in a single run, because a backfill takes the "
            "dates of its range and a scheduled run that of its interval; leave it empty",
            code="unexpected_data_date",
            data_date=data_date,
            run_type=run_type,
        )
    interval = schedule.of_date(data_date)
    if interval.end > now:
        raise BadInput(
            f"data_date={data_date} is of {_unended(settings, interval, now)}",
            code="interval_not_ended",
            data_date=interval.data_date,
            interval_end=interval.end,
        )
    return interval


def _ended(settings: Settings, interval: DataInterval, run_type: str) -> DataInterval:
    """Return a run's own interval; `nightjar run` may ask for any, a run in Airflow for one that has ended."""
    now = datetime.now(UTC)
    if interval.end > now and run_type == _MANUAL and not inherited_runner():
        raise BadInput(
            f"the logical date {interval.start:%Y-%m-%d %H:%M} is of {_unended(settings, interval, now)}; clear this "
            f"run after {interval.end:%Y-%m-%d %H:%M} UTC, and it produces {interval.data_date}",
            code="interval_not_ended",
            data_date=interval.data_date,
            interval_end=interval.end,
        )
    return interval


def _unended(settings: Settings, interval: DataInterval, now: datetime) -> str:
    return (
        f"the interval from {interval.start} to {interval.end} of NIGHTJAR_SCHEDULE={settings.schedule!r}, which has "
        f"not ended: expected one that has, the newest is {Schedule(settings.schedule).last_complete(now).data_date}"
    )
