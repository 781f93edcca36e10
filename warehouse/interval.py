"""The one place where a run's data interval becomes `data_date` and `as_of`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from warehouse.errors import BadInput


@dataclass(frozen=True)
class DataInterval:
    """One run's data interval `[start, end)` in UTC."""

    start: datetime
    end: datetime

    @property
    def data_date(self) -> date:
        """Partition key of every output: the date on which the interval starts."""
        return self.start.date()

    @property
    def as_of(self) -> datetime:
        """What the run may see: rows strictly before this instant."""
        return self.end


def resolve(start: str, end: str) -> DataInterval:
    """Parse the two ends of a data interval as Airflow renders them (ISO 8601).

    Raises:
        BadInput: an end is no timestamp, has no time zone, or the interval is empty.
    """
    interval = DataInterval(parse_instant("interval start", start), parse_instant("interval end", end))
    if interval.start >= interval.end:
        raise BadInput(f"data interval [{start}, {end}) is empty: its end must lie after its start")
    return interval


def of_date(day: str) -> DataInterval:
    """Return the data interval of one calendar day (UTC), given as YYYY-MM-DD.

    Raises:
        BadInput: the text is no calendar date.
    """
    try:
        start = datetime.combine(date.fromisoformat(day), time.min, UTC)
    except ValueError as error:
        raise BadInput(f"{day!r} is no date: expected YYYY-MM-DD, for example 2026-03-31") from error
    return DataInterval(start, start + timedelta(days=1))


def parse_instant(name: str, text: str) -> datetime:
    """Read an ISO 8601 timestamp with a time zone; `name` is what an error calls it.

    Raises:
        BadInput: the text is none.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{name} {text!r} is no ISO 8601 timestamp") from error
    if instant.tzinfo is None:
        raise BadInput(f"{name} {text!r} has no time zone, for example +00:00")
    return instant.astimezone(UTC)
