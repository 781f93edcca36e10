"""Attempts that are neither published nor refused: which of them are running, and which have died unseen.

Used by `begin`, which writes down what died, and by `nightjar status` and the explorer, which say so at once.
"""

from dataclasses import dataclass
from datetime import date, datetime

from nightjar.publishing.run_failures import DIED, RunFailure, has_table, upsert
from nightjar.publishing.runner_process import has_died, last_word
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
class Unfinished:
    """One attempt of which nothing is known but that it began."""

    publication_id: str
    data_date: date
    started_at: datetime
    run_id: str
    runner: str | None
    is_without_publication: bool
    is_superseded: bool

    @property
    def has_died(self) -> bool:
        """Whether the process that it depends on is known to be gone."""
        return not self.is_without_publication and has_died(self.runner)

    @property
    def outcome(self) -> str:
        """In the words of `recs.night_outcomes`."""
        if self.has_died:
            return DIED
        if self.is_superseded:
            return SUPERSEDED
        return UNPUBLISHED if self.is_without_publication else RUNNING

    @property
    def reason(self) -> str:
        """Why it died; empty where it did not."""
        return last_word(self.runner or "") if self.has_died else ""


def unfinished(connection: Connection) -> list[Unfinished]:
    """Return these attempts, oldest first; none of a warehouse to which this version has not written yet."""
    if not has_table(connection):
        return []
    rows = connection.execute(f"{_UNFINISHED} order by a.started_at").fetchall()
    return [Unfinished(*row) for row in rows]


def mark_died(connection: Connection) -> None:
    """Write down the attempts whose process is gone: the process itself could not."""
    for each in unfinished(connection):
        if each.has_died:
            died = RunFailure(each.run_id, RUN, DIED, each.reason, None, each.publication_id, each.data_date)
            upsert(connection, died)
