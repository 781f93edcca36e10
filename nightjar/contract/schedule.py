"""The data intervals of a cron expression in UTC: which one holds an instant or a date, and which one comes next.

The ticks are those of croniter, by which Airflow's scheduler starts runs. Used by whatever is given a date instead of
an interval, and by the settings to check an expression.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import croniter

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval, of_date

# Airflow's names for expressions that croniter does not know by name.
_NAMED = {"@quarterly": "0 0 1 */3 *"}
_EXPECTED = "expected a cron expression of five fields that comes due, for example 0 0 * * *"


def check_cron(expression: str) -> str:
    """Return a cron expression with Airflow's own names replaced.

    Raises:
        ValueError: it has not five fields, holds a value out of range, or never comes due.
    """
    cron = _NAMED.get(expression, expression)
    # Of six fields croniter takes the last for seconds, other programs the first.
    if not cron.startswith("@") and len(cron.split()) != 5:
        raise ValueError(f"{_EXPECTED}; it has {len(cron.split())} fields")
    if set("rRhH") & {field[0] for field in cron.split()}:
        raise ValueError(f"{_EXPECTED}; ticks by chance are none to bound an interval with")
    try:
        croniter(cron, datetime(2000, 1, 1, tzinfo=UTC)).get_next(datetime)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{_EXPECTED}; {error}") from error
    return cron


@dataclass(frozen=True)
class Schedule:
    """The ticks of `NIGHTJAR_SCHEDULE`; each bounds two data intervals."""

    cron: str

    def holding(self, instant: datetime) -> DataInterval:
        """Return the interval that holds an instant; a tick belongs to the interval that it starts."""
        end = croniter(self.cron, instant).get_next(datetime)
        start = croniter(self.cron, end).get_prev(datetime)
        # croniter marks some ticks as those of a repeated hour, which UTC has not.
        return DataInterval(start.replace(fold=0), end.replace(fold=0))

    def of_date(self, day: str) -> DataInterval:
        """Return the interval that starts on a date (YYYY-MM-DD), or else the one that holds all of it.

        Raises:
            BadInput: the text is no date, or several intervals start on it.
        """
        requested = of_date(day)
        try:
            found = self.holding(requested.start)
            if found.start < requested.start and found.end < requested.end:
                found = self.holding(found.end)
        except (ValueError, OverflowError) as error:
            raise BadInput(
                f"{day} lies beyond the dates that NIGHTJAR_SCHEDULE={self.cron!r} has ticks for",
                code="beyond_schedule",
                setting="NIGHTJAR_SCHEDULE",
                value=self.cron,
                data_date=requested.data_date,
            ) from error
        if found.end < requested.end and found.start >= requested.start:
            raise BadInput(
                f"{day} holds several intervals of NIGHTJAR_SCHEDULE={self.cron!r}, those from {found.start:%H:%M} and "
                f"{found.end:%H:%M} (UTC) among them: expected a schedule with at most one tick a day, for example "
                "0 0 * * *; a single one of them can be started in Airflow by its logical date",
                code="several_intervals",
                setting="NIGHTJAR_SCHEDULE",
                value=self.cron,
                data_date=requested.data_date,
            )
        return found

    def between(self, first: str, last: str) -> list[DataInterval]:
        """Return each interval from that of one date to that of a later one, once and in their order.

        Raises:
            BadInput: as `of_date`, of any date between.
        """
        found, end = [self.of_date(first)], self.of_date(last)
        while found[-1].start < end.start:
            found.append(self.of_date(str(self.holding(found[-1].end).data_date)))
        return found

    def last_complete(self, now: datetime) -> DataInterval:
        """Return the newest interval that has ended by now."""
        current = self.holding(now)
        return self.holding(current.start - timedelta(microseconds=1))
