"""Prints the summary of a run: metrics, indices, gate decisions, recommendations of three users."""

from nightjar.cli.console_tables import plain_console, print_query
from nightjar.cli.single_run import CompletedRun
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_for_readers
from nightjar.warehouse.readers_snapshot import newest_state

_OUTCOME = """
    select p.action, p.recommendation_rows, p.content_hash, p.reason, c.publication_id
    from recs.publications p left join recs.current_publication c on true
    where p.publication_id = ? order by p.ledger_id limit 1
"""
_METRICS = """
    select slice, metric || case when k > 0 then '@' || k else '' end as metric,
        max(value) filter (where model = 'nightjar') as nightjar,
        max(value) filter (where model = 'popularity') as popularity, max(users) as users
    from recs.model_metrics
    where publication_id = ? and model in ('nightjar', 'popularity') and (slice = 'all' or metric = 'recall')
    group by slice, metric, k having count(value) > 0 order by slice, metric
"""
_GATES = "select gate, verdict, reason from recs.gate_decisions where publication_id = ? order by decided_at, gate"
_INDICES = "select index_name, item_count, ef, recall, latency_p50_ms from recs.index_manifest where publication_id = ?"
_RECOMMENDATIONS = """
    with users as (
        select user_id from recs.recommendations where publication_id = $id
        group by user_id order by md5(user_id) limit 3
    )
    select r.user_id, r.domain, r.rank, coalesce(i.title, r.item_id) as item, r.source,
        coalesce(why.title, r.reason_item_id) as because_of
    from recs.recommendations r
    join users using (user_id)
    left join core.dim_items i on i.item_id = r.item_id and i.valid_to is null
    left join core.dim_items why on why.item_id = r.reason_item_id and why.valid_to is null
    where r.publication_id = $id and r.rank <= 3 order by r.user_id, r.domain, r.rank
"""


def print_summary(settings: Settings, completed: CompletedRun) -> None:
    """Print the outcome of one run."""
    console = plain_console(120)
    with newest_state(settings) as (connection, _):
        one = [completed.publication_id]
        outcome = connection.execute(_OUTCOME, one).fetchone()
        if outcome is None:
            console.print(f"{completed.publication_id}: not published, {completed.seconds:.0f} s")
            return
        action, rows, digest, reason, current = outcome
        print_query(console, connection, "Metrics on the holdout", _METRICS, one)
        print_query(console, connection, "Indices", _INDICES, one)
        print_query(console, connection, "Gates", _GATES, one)
        print_query(
            console, connection, "Recommendations of three users", _RECOMMENDATIONS, {"id": completed.publication_id}
        )
    took = f"{completed.seconds:.0f} s"
    console.print(f"{completed.publication_id}: {action}, {rows:,} recommendations, {took} ({reason})")
    console.print(f"current publication: {current}")
    console.print(f"content hash: {digest}")
    console.print(f"tables: schema recs of {open_for_readers(settings).address}", soft_wrap=True)
    console.print(f"log: {completed.log}", soft_wrap=True)
    console.print("next: nightjar status | nightjar report | nightjar recommend USER | nightjar similar ITEM")
