"""Runs that published nothing, or of which a part failed: for `nightjar status` and the explorer.

`recs.night_outcomes` has one row for each attempt. Here are also runs that were refused before they had an attempt,
failures that are not stored yet, and attempts whose process has ended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nightjar.publishing.run_failures import REFUSED, RunFailure, failures
from nightjar.publishing.unfinished_attempts import unfinished
from nightjar.warehouse.protocol import Connection

_REFUSED = """
    select a.publication_id, a.data_date, max(g.decided_at) as decided_at,
        string_agg(g.gate || ': ' || g.reason, '; ' order by g.gate) as reason
    from recs.publication_attempts a
    join recs.gate_decisions g on g.publication_id = a.publication_id and g.verdict = 'refused'
    where not exists (select 1 from recs.publications p where p.publication_id = a.publication_id)
    group by a.publication_id, a.data_date order by decided_at desc limit 50
"""


@dataclass(frozen=True)
class UnpublishedRun:
    """One attempt, or one failure of a run without one."""

    publication_id: str
    data_date: date | None
    at: datetime
    task: str
    outcome: str
    reason: str


def unpublished_runs(
    connection: Connection, waiting: Iterable[RunFailure] = (), most: int = 10
) -> list[UnpublishedRun]:
    """Return the newest of them, newest first, without those that were resumed.

    Args:
        connection: to the warehouse.
        waiting: failures that are not in the warehouse yet.
        most: how many.
    """
    verdicts = {row[0]: row for row in connection.execute(_REFUSED).fetchall()}
    rows = [
        # A gate's figures say more than that it refused.
        UnpublishedRun(
            each.publication_id or "",
            each.data_date,
            each.failed_at,
            each.task,
            each.outcome,
            verdicts[each.publication_id][3] if _is_refusal(each, verdicts) else each.reason,
        )
        for each in {failure.key: failure for failure in [*failures(connection), *waiting]}.values()
        if each.resumed_at is None
    ]
    listed = {row.publication_id for row in rows}
    rows += [
        UnpublishedRun(publication_id, data_date, decided_at, "", REFUSED, reason)
        for publication_id, data_date, decided_at, reason in verdicts.values()
        if publication_id not in listed
    ]
    rows += [
        UnpublishedRun(each.publication_id, each.data_date, each.started_at, "", each.outcome, each.reason)
        for each in unfinished(connection)
        if each.publication_id not in listed
    ]
    return sorted(rows, key=lambda row: row.at, reverse=True)[:most]


def _is_refusal(failure: RunFailure, verdicts: dict[str, Any]) -> bool:
    return failure.outcome == REFUSED and failure.publication_id in verdicts
