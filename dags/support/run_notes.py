"""The text of a run's note when the run starts and when it ends; used by the plugin."""

import re

from nightjar.contract.interval import DataInterval

_DATE = "Data date "
_OUTCOME = re.compile(r"^(\d{4}-\d{2}-\d{2}\.\d+ |\w+: )")
_LONGEST = 1000


def date_line(interval: DataInterval) -> str:
    """Return the line with a run's data date and the end of its data."""
    return f"{_DATE}{interval.data_date} (events before {interval.as_of:%Y-%m-%d %H:%M} UTC)"


def with_date(before: str | None, line: str) -> str:
    r"""Put the line of the date above what people wrote; the outcome of an earlier try is removed.

    >>> with_date("begin: no events\nask Ann", "Data date 2026-03-31 (events before 2026-04-01 00:00 UTC)")
    'Data date 2026-03-31 (events before 2026-04-01 00:00 UTC)\nask Ann'
    """
    kept = [each for each in _without_outcome(before) if not each.startswith(_DATE)]
    return "\n".join([line, *kept])[:_LONGEST]


def merged_note(before: str | None, outcome: str) -> str:
    r"""Put the outcome above the date and what people wrote; an outcome of an earlier try is replaced.

    >>> merged_note("gate_model: refused\nask Ann", "2026-03-31.2 is current")
    '2026-03-31.2 is current\nask Ann'
    """
    return "\n".join([" ".join(outcome.split()), *_without_outcome(before)])[:_LONGEST]


def _without_outcome(note: str | None) -> list[str]:
    return [line for line in (note or "").splitlines() if not _OUTCOME.match(line)]
