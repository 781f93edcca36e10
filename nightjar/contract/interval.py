"""The one place where a run's data interval becomes `data_date` and `as_of`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from nightjar.contract.errors import BadInput


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
        raise BadInput(
            f"data interval [{start}, {end}) is empty: its end must lie after its start",
            code="empty_interval",
            start=interval.start,
            end=interval.end,
        )
    return interval


def of_date(day: str) -> DataInterval:
    """Return the data interval of one calendar day (UTC), given as YYYY-MM-DD.

    Raises:
        BadInput: the text is no calendar date.
    """
    start = datetime.combine(parse_date(day), time.min, UTC)
    try:
        return DataInterval(start, start + timedelta(days=1))
    except OverflowError as error:
        raise _not_a_date(day) from error


def parse_date(text: str, **option: str) -> date:
    """Parse a calendar date, YYYY-MM-DD; `option="--as-of"` names in an error the option that it was typed for.

    Raises:
        BadInput: the text is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _not_a_date(text, **option) from error


def parse_instant(name: str, text: str) -> datetime:
    """Parse an ISO 8601 timestamp with time zone; `name` says in an error what it was meant for.

    Raises:
        BadInput: the text is none.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"{name} {text!r} is no ISO 8601 timestamp", code="not_a_timestamp", name=name, value=text
        ) from error
    if instant.tzinfo is None:
        raise BadInput(f"{name} {text!r} has no time zone", code="no_time_zone", name=name, value=text)
    return instant.astimezone(UTC)


def _not_a_date(text: str, **option: str) -> BadInput:
    named = " ".join([*option.values(), repr(text)])
    return BadInput(
        f"{named} is no date: expected YYYY-MM-DD, for example 2026-03-31",
        code="not_a_date",
        value=text,
        expected="YYYY-MM-DD",
        **option,
    )
