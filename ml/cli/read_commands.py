"""`nightjar status`, `recommend`, `similar` and `report`: what readers see, read from the output tables."""

from importlib import import_module
from typing import Annotated

import typer

from ml.cli.summary import plain_console, show
from warehouse.adapters.engines import open_warehouse
from warehouse.adapters.protocol import Connection, Warehouse
from warehouse.errors import BadInput
from warehouse.run_folder import RunFolder
from warehouse.settings import load_settings

_CURRENT = """
    select c.publication_id, c.data_date, c.moved_at, p.recommendation_rows as rows, p.model_uri, p.code_version
    from recs.current_publication c join recs.publications p using (ledger_id)
"""
_LEDGER = """
    select ledger_id, publication_id, action, recommendation_rows as rows, actor, reason, recorded_at
    from recs.publications order by ledger_id desc limit 10
"""
_ATTEMPTS = """
    select a.publication_id, a.started_at, coalesce(string_agg(g.gate || ': ' || g.reason, '; '), '') as refused_by
    from recs.publication_attempts a
    left join recs.gate_decisions g on g.publication_id = a.publication_id and g.verdict = 'refused'
    where a.publication_id not in (select publication_id from recs.publications)
    group by a.publication_id, a.started_at order by a.started_at desc limit 5
"""
_RECOMMENDATIONS = """
    select r.domain, r.rank, r.item_id, coalesce(i.title, '') as title, r.score, r.source,
        coalesce(why.title, r.reason_item_id) as because_of
    from recs.recommendations_current r
    left join core.dim_items i on i.item_id = r.item_id and i.valid_to is null
    left join core.dim_items why on why.item_id = r.reason_item_id and why.valid_to is null
    where r.user_id = ? order by r.domain, r.rank
"""
_POPULAR = """
    select p.domain, p.rank, p.item_id, coalesce(i.title, '') as title, p.score
    from recs.popular_items_current p left join core.dim_items i on i.item_id = p.item_id and i.valid_to is null
    where p.segment = 'all' and p.rank <= 10 order by p.domain, p.rank
"""
_SIMILAR = """
    select s.target_domain, s.rank, s.similar_item_id, coalesce(i.title, '') as title, s.similarity
    from recs.similar_items_current s
    left join core.dim_items i on i.item_id = s.similar_item_id and i.valid_to is null
    where s.item_id = ? order by s.target_domain, s.rank
"""


def status() -> None:
    """Show what is current, the last entries of the ledger and the attempts that were not published."""
    console = plain_console(160)
    with _warehouse().connect(read_only=True) as connection:
        if not show(console, connection, "Current publication", _CURRENT):
            console.print("nothing is published yet: nightjar run --date YYYY-MM-DD")
        show(console, connection, "Ledger, newest first", _LEDGER)
        show(console, connection, "Attempts not published, newest first", _ATTEMPTS)


def recommend(user: Annotated[str, typer.Argument(help="The user's id.")]) -> None:
    """Show the current lists of one user; an unknown user gets the popular items."""
    console = plain_console(120)
    with _warehouse().connect(read_only=True) as connection:
        _check_published(connection)
        known = connection.execute(
            "select count(*) from recs.recommendations_current where user_id = ?", [user]
        ).fetchall()[0][0]
        if known:
            show(console, connection, f"Recommendations of user {user}", _RECOMMENDATIONS, [user])
        else:
            show(console, connection, f"User {user} is unknown: the popular items", _POPULAR)


def similar(item: Annotated[str, typer.Argument(help="The item's id.")]) -> None:
    """Show the items nearest to one item, in every domain."""
    console = plain_console(120)
    with _warehouse().connect(read_only=True) as connection:
        _check_published(connection)
        if not show(console, connection, f"Similar to item {item}", _SIMILAR, [item]):
            raise BadInput(f"item {item!r} has no row in recs.similar_items_current")


def report(
    publication: Annotated[str, typer.Option(help="The attempt, published or not; empty: the current one.")] = "",
) -> None:
    """Write the night's report, one HTML page, into the attempt's run folder and print its path."""
    settings = load_settings()
    if not publication:
        with _warehouse().connect(read_only=True) as connection:
            _check_published(connection)
            publication = connection.execute("select publication_id from recs.current_publication").fetchall()[0][0]
    print(import_module("ml.report").write_report(settings, RunFolder.of(settings.lake, publication)))


def register(app: typer.Typer) -> None:
    """Add the commands to the main app."""
    for command in (status, recommend, similar, report):
        app.command()(command)


def _warehouse() -> Warehouse:
    return open_warehouse(load_settings())


def _check_published(connection: Connection) -> None:
    row = connection.execute("select count(*) from recs.current_publication").fetchone()
    if not row or not row[0]:
        raise BadInput("nothing is published yet: nightjar run --date YYYY-MM-DD")
