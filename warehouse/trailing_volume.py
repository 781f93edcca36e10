"""Whether a run's interval holds about as many events as those before it, in all and of each type.

The least of the seven intervals before is what it is compared with: a quiet Sunday a week ago excuses a quiet Sunday,
and irregular data, whose least is small, is let through.
"""

from datetime import datetime, timedelta

from warehouse.adapters.protocol import Connection
from warehouse.errors import BadInput
from warehouse.interval import DataInterval

TRAILING_INTERVALS = 7
# Of fewer events chance alone may leave few or none.
LEAST_EVENTS = 20


def check_trailing_volume(
    connection: Connection, interval: DataInterval, ingested_before: datetime | None, min_share: float
) -> None:
    """Compare the interval's events with the seven before it; a share of 0 asks nothing.

    Raises:
        BadInput: there are fewer, in all or of one type, than that share of the least of the intervals before.
    """
    if min_share == 0:
        return
    length = interval.end - interval.start
    counts = _counts(connection, interval, length, ingested_before)
    faults = []
    for name in ["", *sorted(counts)]:
        columns = list(counts.values()) if name == "" else [counts[name]]
        now, *before = [sum(windows) for windows in zip(*columns, strict=True)] or [0]
        least = min(before, default=0)
        if least >= LEAST_EVENTS and now < min_share * least:
            faults.append(f"{now} {f'of type {name}' if name else 'interactions'}, before never less than {least}")
    if faults:
        raise BadInput(
            f"raw.interactions holds too little on {interval.data_date}: {'; '.join(faults)} in "
            f"{TRAILING_INTERVALS} intervals; NIGHTJAR_MIN_VOLUME_SHARE asks for {min_share:g} of that, 0 lets it pass"
        )


def _counts(
    connection: Connection, interval: DataInterval, length: timedelta, ingested_before: datetime | None
) -> dict[str, list[int]]:
    """Return the events of each type in the interval, in the one before it, and so on."""
    starts = [interval.start - back * length for back in range(TRAILING_INTERVALS + 1)]
    window = "count(*) filter (where occurred_at >= ? and occurred_at < ?)"
    rows = connection.execute(
        f"select event_type, {', '.join([window] * len(starts))} from raw.interactions "
        "where occurred_at >= ? and occurred_at < ? and ingested_at <= coalesce(?, 'infinity'::timestamptz) group by 1",
        [*(end for start in starts for end in (start, start + length)), starts[-1], interval.end, ingested_before],
    ).fetchall()
    return {event_type: [int(count) for count in counts] for event_type, *counts in rows}
