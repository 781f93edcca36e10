"""What a run did, for people: metrics beside popularity, index recall, gates, a few lists with titles."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from nightjar.cli.single_run import CompletedRun
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_for_readers
from nightjar.warehouse.protocol import Connection
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
    from recs.model_metrics where publication_id = ? and (slice = 'all' or metric = 'recall')
    group by slice, metric, k having count(value) > 0 order by slice, metric
"""
_GATES = "select gate, verdict, reason from recs.gate_decisions where publication_id = ? order by decided_at, gate"
_INDICES = "select index_name, item_count, ef, recall, latency_p50_ms from recs.index_manifest where publication_id = ?"
_LISTS = """
    with shown as (
        select user_id from recs.recommendations where publication_id = $id
        group by user_id order by md5(user_id) limit 3
    )
    select r.user_id, r.domain, r.rank, coalesce(i.title, r.item_id) as item, r.source,
        coalesce(why.title, r.reason_item_id) as because_of
    from recs.recommendations r
    join shown using (user_id)
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
        show(console, connection, "Metrics on the holdout", _METRICS, one)
        show(console, connection, "Indices", _INDICES, one)
        show(console, connection, "Gates", _GATES, one)
        show(console, connection, "Three users' lists", _LISTS, {"id": completed.publication_id})
    took = f"{completed.seconds:.0f} s"
    console.print(f"{completed.publication_id}: {action}, {rows:,} recommendations, {took} ({reason})")
    console.print(f"current publication: {current}")
    console.print(f"content hash: {digest}")
    console.print(f"tables: schema recs of {open_for_readers(settings).address}", soft_wrap=True)
    console.print(f"log: {completed.log}", soft_wrap=True)
    console.print("next: nightjar status | nightjar report | nightjar recommend USER | nightjar similar ITEM")


def plain_console(width: int) -> Console:
    """Return a console that prints ids and titles as they are: `[REC]` is a film and `:cat:` an id, not markup."""
    return Console(width=width, highlight=False, markup=False, emoji=False)


def show(console: Console, connection: Connection, title: str, query: str, parameters: Any = None) -> int:
    """Print the rows of a query as a table, nothing where there are none; return their number."""
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description or []]
    return show_rows(console, title, names, result.fetchall())


def show_rows(console: Console, title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Print rows as a table, nothing where there are none; return their number."""
    table = Table(*names, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    if rows:
        console.print(table)
    return len(rows)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        # To the second: a table has no place for more.
        return value.isoformat(" ", "seconds")
    return f"{value:.3f}" if isinstance(value, float) else str(value)
