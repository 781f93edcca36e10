"""Queries of the runs page: publications, attempts, failures, gate decisions and ledger."""

from dataclasses import astuple, fields, replace

from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.publishing.unfinished_attempts import unfinished
from nightjar.publishing.unpublished_runs import UnpublishedRun, unpublished_runs
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.readers_snapshot import NOW, written_at

# Retention deletes the manifest together with the recommendations, and the manifest is small.
_PUBLICATIONS = """
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


def snapshot_time(connection: Connection) -> str:
    """Return the time of the readers' snapshot, UTC; empty where the warehouse itself is read."""
    written = written_at(connection)
    return "" if written == NOW else written


def publications(connection: Connection) -> QueryResult:
    """List the publications whose rows are there, the current one first."""
    return run_query(connection, _PUBLICATIONS)


def attempts(connection: Connection) -> QueryResult:
    """List the last hundred attempts, newest first; one whose process is gone has died, whatever the view holds."""
    result = run_query(connection, _ATTEMPTS)
    died = {each.publication_id: each for each in unfinished(connection) if each.has_died}
    outcome, reason = result.columns.index("outcome"), result.columns.index("reason")
    rows = [list(row) for row in result.rows]
    for row in rows:
        if each := died.get(row[0]):
            row[outcome], row[reason] = each.outcome, each.reason
    return QueryResult(result.columns, [tuple(row) for row in rows])


def failures(connection: Connection) -> QueryResult:
    """List what failed or was refused, newest first: runs without an attempt and parts of published ones too."""
    failed = [each for each in unpublished_runs(connection, most=30) if each.reason]
    rows = [astuple(replace(each, at=each.at.replace(microsecond=0))) for each in failed]
    return QueryResult([each.name for each in fields(UnpublishedRun)], rows)


def gate_decisions(connection: Connection, publication_id: str) -> QueryResult:
    """List the gate decisions on one attempt in their order of time."""
    return run_query(connection, _GATES, publication_id)


def ledger(connection: Connection) -> QueryResult:
    """List the last hundred entries of the ledger, newest first."""
    return run_query(connection, _LEDGER)
