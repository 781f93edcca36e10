"""Whether a run's interval holds enough events, recent ones, and about as many as the intervals before."""

from datetime import datetime, timedelta

from nightjar.contract.errors import BadInput, RunSkipped
from nightjar.contract.interval import DataInterval
from nightjar.contract.settings import Settings
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.trailing_volume import check_trailing_volume
from nightjar.warehouse.protocol import Connection


def check_interval_events(settings: Settings, connection: Connection, request: RunRequest) -> None:
    """Check that the run's interval holds enough events, as recent and as many as the settings require.

    Raises:
        BadInput: there is no event to train on, or the interval holds too few, too old or far fewer than before.
        RunSkipped: the interval holds no event, and the request skips such a run.
    """
    interval, before = request.interval, request.ingested_before
    visible_events = "occurred_at < ? and ingested_at <= coalesce(?, 'infinity'::timestamptz)"
    visible, in_interval, newest = connection.execute(
        "select count(*), count(*) filter (where occurred_at >= ?), max(occurred_at) "  # noqa: S608 the module's own constants
        f"from raw.interactions where {visible_events}",
        [interval.start, interval.end, before],
    ).fetchall()[0]
    if visible == 0:
        arrived = f" that had arrived by {before}" if before else ""
        fault = f"raw.interactions holds no interaction before {interval.as_of}{arrived}: nothing to train on"
        kind = RunSkipped if request.skips_empty else BadInput
        raise kind(fault, code="no_events", table="raw.interactions", data_date=interval.data_date, count=0)
    _check_freshness(settings, interval, newest)
    if in_interval == 0 and request.skips_empty and settings.min_interval_events == 1:
        raise RunSkipped(
            f"raw.interactions holds no interaction from {interval.start} to {interval.end}, the newest earlier one is "
            f"of {newest:%Y-%m-%d}: nothing to learn; NIGHTJAR_EMPTY_INTERVAL=fail fails such a run",
            code="no_interval_events",
            table="raw.interactions",
            data_date=interval.data_date,
            count=0,
            newest=newest,
        )
    if in_interval < settings.min_interval_events:
        raise BadInput(
            f"raw.interactions holds {in_interval} interactions on {interval.data_date}, NIGHTJAR_MIN_INTERVAL_EVENTS "
            f"requires {settings.min_interval_events}; the newest earlier one is of {newest:%Y-%m-%d}",
            code="too_few_events",
            table="raw.interactions",
            data_date=interval.data_date,
            count=in_interval,
            setting="NIGHTJAR_MIN_INTERVAL_EVENTS",
            expected=settings.min_interval_events,
            newest=newest,
        )
    # NIGHTJAR_MIN_INTERVAL_EVENTS decides about an interval without any event.
    if in_interval > 0:
        check_trailing_volume(connection, interval, before, settings.min_volume_share)


def _check_freshness(settings: Settings, interval: DataInterval, newest: datetime) -> None:
    if settings.max_silent_hours and newest < interval.end - timedelta(hours=settings.max_silent_hours):
        raise BadInput(
            f"raw.interactions holds nothing of the last hours before {interval.end}: its newest event is of {newest}, "
            f"NIGHTJAR_MAX_SILENT_HOURS allows {settings.max_silent_hours}",
            code="stale_events",
            table="raw.interactions",
            data_date=interval.data_date,
            setting="NIGHTJAR_MAX_SILENT_HOURS",
            expected=settings.max_silent_hours,
            newest=newest,
        )
