"""What a run's note becomes when the run ends; used by the plugin."""

import re

_OUTCOME = re.compile(r"^(\d{4}-\d{2}-\d{2}\.\d+ |\w+: )")
_LONGEST = 1000


def merged_note(before: str | None, outcome: str) -> str:
    r"""Put the outcome above what people wrote; an outcome of an earlier try is replaced.

    >>> merged_note("gate_model: refused\nask Ann", "2026-03-31.2 is current")
    '2026-03-31.2 is current\nask Ann'
    """
    kept = [line for line in (before or "").splitlines() if not _OUTCOME.match(line)]
    return "\n".join([" ".join(outcome.split()), *kept])[:_LONGEST]
