"""Attempts that are neither published nor refused: which are running, and which died without a recorded failure.

Used by `begin`, which records those that died, and by `nightjar status` and the explorer, which show them.
"""

from dataclasses import dataclass
from datetime import date, datetime

from nightjar.publishing.run_failures import DIED, RunFailure, has_failures_table, upsert_failure
from nightjar.publishing.runner_process import death_reason, has_died
from nightjar.warehouse.protocol import Connection

RUNNING, SUPERSEDED, UNPUBLISHED = "running", "superseded", "unpublished"
# The task of a failure of a whole run.
RUN = "nightjar run"
_UNFINISHED = """
    select a.publication_id, a.data_date, a.started_at, a.run_id, a.runner,
        a.stages not like '%publication%' as is_without_publication,
        exists (
            select 1 from recs.publication_attempts n where n.data_date = a.data_date and n.attempt > a.attempt
        ) as is_superseded
    from recs.publication_attempts a
    where not exists (select 1 from recs.publications p where p.publication_id = a.publication_id)
        and not exists (
            select 1 from recs.gate_decisions g where g.publication_id = a.publication_id and g.verdict = 'refused'
        )
        and not exists (
            select 1 from recs.run_failures f where f.publication_id = a.publication_id and f.resumed_at is null
        )
"""


@dataclass(frozen=True)
class UnfinishedAttempt:
    """One attempt that began, without a publication, a refusal or a failure."""

    publication_id: str
    data_date: date
    started_at: datetime
    run_id: str
    runner: str | None
    is_without_publication: bool
    is_superseded: bool

    @property
    def has_died(self) -> bool:
        """Whether the process that runs it is known to have ended."""
        return not self.is_without_publication and has_died(self.runner)

    @property
    def outcome(self) -> str:
        """As `recs.night_outcomes` names it."""
        if self.has_died:
            return DIED
        if self.is_superseded:
            return SUPERSEDED
        return UNPUBLISHED if self.is_without_publication else RUNNING

    @property
    def reason(self) -> str:
        """Why it died; empty where it did not."""
        return death_reason(self.runner or "") if self.has_died else ""


def unfinished(connection: Connection) -> list[UnfinishedAttempt]:
    """Return these attempts, oldest first; none in a warehouse that this version has not written to yet."""
    if not has_failures_table(connection):
        return []
    rows = connection.execute(f"{_UNFINISHED} order by a.started_at").fetchall()
    return [UnfinishedAttempt(*row) for row in rows]


def record_dead_attempts(connection: Connection) -> None:
    """Record a failure of each attempt whose process has ended: the process itself could not."""
    for each in unfinished(connection):
        if each.has_died:
            died = RunFailure(each.run_id, RUN, DIED, each.reason, None, each.publication_id, each.data_date)
            upsert_failure(connection, died)
