"""What runs became: publications to choose from, the gates' verdicts, attempts, failures and ledger."""

from dataclasses import astuple, fields, replace

from nightjar.explorer.reading import Answer, ask
from nightjar.publishing.unfinished_attempts import unfinished
from nightjar.publishing.unpublished_runs import UnpublishedRun, unpublished_runs
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.readers_snapshot import NOW, written_at

# The manifest goes with the lists when retention deletes them, and is small.
_TO_CHOOSE = """
    select o.publication_id, o.data_date, o.outcome, o.is_current
    from recs.night_outcomes o
    where o.outcome in ('published', 'history')
        and exists (select 1 from recs.index_manifest m where m.publication_id = o.publication_id)
    order by case when o.is_current then 0 else 1 end, o.data_date desc, o.publication_id desc
"""
_ATTEMPTS = """
    select publication_id, data_date, outcome, is_current, recommendation_rows, recall, refused_by, is_changed,
        rows_changed, reason, started_at
    from recs.night_outcomes order by started_at desc, publication_id desc limit 100
"""
_GATES = """
    select gate, verdict, metric, measured, threshold, lead_low, lead_high, reason
    from recs.gate_decisions where publication_id = ? order by decided_at, gate
"""
_LEDGER = """
    select ledger_id, recorded_at, action, publication_id, previous_publication_id, actor, reason
    from recs.publications order by ledger_id desc limit 100
"""


def moment(connection: Connection) -> str:
    """Return of which moment the readers' snapshot is, UTC; empty where the warehouse itself is read."""
    told = written_at(connection)
    return "" if told == NOW else told


def publications(connection: Connection) -> Answer:
    """List the publications whose rows are there, the current one first."""
    return ask(connection, _TO_CHOOSE)


def attempts(connection: Connection) -> Answer:
    """List the last hundred attempts, newest first; one whose process is gone has died, whatever the view knows."""
    found = ask(connection, _ATTEMPTS)
    died = {each.publication_id: each for each in unfinished(connection) if each.has_died}
    outcome, reason = found.columns.index("outcome"), found.columns.index("reason")
    rows = [list(row) for row in found.rows]
    for row in rows:
        if each := died.get(row[0]):
            row[outcome], row[reason] = each.outcome, each.reason
    return Answer(found.columns, [tuple(row) for row in rows])


def failures(connection: Connection) -> Answer:
    """List what failed or was refused, newest first: runs without an attempt and parts of published ones too."""
    told = [each for each in unpublished_runs(connection, most=30) if each.reason]
    rows = [astuple(replace(each, at=each.at.replace(microsecond=0))) for each in told]
    return Answer([each.name for each in fields(UnpublishedRun)], rows)


def gate_decisions(connection: Connection, publication_id: str) -> Answer:
    """List the verdicts on one attempt in the order in which they fell."""
    return ask(connection, _GATES, publication_id)


def ledger(connection: Connection) -> Answer:
    """List the last hundred entries of the ledger, newest first."""
    return ask(connection, _LEDGER)
