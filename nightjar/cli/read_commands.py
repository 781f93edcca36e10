"""`nightjar status`, `recommend`, `similar` and `report`: show the published output tables."""

from dataclasses import astuple, fields
from importlib import import_module
from typing import Annotated

import typer

from nightjar.cli.console_tables import plain_console, print_query, print_rows
from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings
from nightjar.publishing.run_failures import waiting_failures
from nightjar.publishing.unpublished_runs import UnpublishedRun, unpublished_runs
from nightjar.serving.contributions import contributions_by_source
from nightjar.warehouse.engines import open_for_readers
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.readers_snapshot import newest_state

_CURRENT = """
    select c.publication_id, c.data_date, c.moved_at, p.recommendation_rows as rows, p.model_uri, p.code_version
    from recs.current_publication c join recs.publications p using (ledger_id)
"""
_LEDGER = """
    select ledger_id, publication_id, action, recommendation_rows as rows, actor, reason, recorded_at
    from recs.publications order by ledger_id desc limit 10
"""
_TITLES = "select item_id, title from core.dim_items where valid_to is null and item_id = any(?)"
_SIMILAR = """
    select s.target_domain, s.rank, s.similar_item_id, coalesce(i.title, '') as title, s.similarity
    from recs.similar_items_current s
    left join core.dim_items i on i.item_id = s.similar_item_id and i.valid_to is null
    where s.item_id = ? order by s.target_domain, s.rank
"""
_EXPLAINED = "after source: what each source of the model adds to the score; popular items are not scored by them"
_NOT_EXPLAINED = (
    "no row has contributions: popular items are not scored by the sources of the model, and publications of earlier "
    "versions have not recorded them"
)


def status() -> None:
    """Show the current publication, the last ledger entries, and failed or unpublished attempts with the reasons.

    While a run writes to a DuckDB warehouse, the state is that of its last publication or gate decision.
    """
    console, unstored_failures = plain_console(160), waiting_failures(load_settings())
    with newest_state(load_settings()) as (connection, of_when):
        if of_when:
            console.print(of_when, soft_wrap=True)
        if not print_query(console, connection, "Current publication", _CURRENT):
            console.print("nothing is published yet: nightjar run --date YYYY-MM-DD")
        print_query(console, connection, "Ledger, newest first", _LEDGER)
        rows = [astuple(each) for each in unpublished_runs(connection, unstored_failures)]
        names = [each.name for each in fields(UnpublishedRun)]
        print_rows(console, "Attempts not published and failures, newest first", names, rows)


def recommend(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each source of the model adds to the score of each row.")
    ] = False,
) -> None:
    """Show one user's recommendations, with their events since the last run; the popular items for an unknown user."""
    # Imported here: the libraries of ranking take half a second to import.
    settings = load_settings()
    lists = import_module("nightjar.serving.recommend").RecommendationReader(settings).recommendations_for(user)
    console = plain_console(160 if explain else 120)
    console.print(f"User {user}: {lists.source}, publication {lists.publication_id}", soft_wrap=True)
    if lists.not_considered:
        console.print(lists.not_considered, soft_wrap=True)
    ids = {item.item_id for item in lists.items} | {item.reason_item_id for item in lists.items}
    with open_for_readers(settings).connect(read_only=True) as connection:
        titles = dict(connection.execute(_TITLES, [sorted(filter(None, ids))]).fetchall())
    added = contributions_by_source([item.contributions for item in lists.items]) if explain else {}
    rows = [
        (
            item.domain,
            item.rank,
            item.item_id,
            titles.get(item.item_id),
            item.score,
            item.source,
            *(values[place] for values in added.values()),
            titles.get(item.reason_item_id, item.reason_item_id),
        )
        for place, item in enumerate(lists.items)
    ]
    names = ("domain", "rank", "item_id", "title", "score", "source", *added, "because_of")
    if not print_rows(console, "Recommendations", names, rows):
        console.print("nothing to recommend: the user has seen every available item")
    elif explain:
        console.print(_EXPLAINED if added else _NOT_EXPLAINED, soft_wrap=True)


def similar(item: Annotated[str, typer.Argument(help="The item's id.")]) -> None:
    """Show the similar items of one item, in every domain."""
    console = plain_console(120)
    with open_for_readers(load_settings()).connect(read_only=True) as connection:
        _check_published(connection)
        if not print_query(console, connection, f"Similar to item {item}", _SIMILAR, [item]):
            raise BadInput(
                f"item {item!r} has no row in recs.similar_items_current",
                code="unknown_item",
                item_id=item,
                table="recs.similar_items_current",
            )


def report(
    publication: Annotated[str, typer.Option(help="Attempt, published or not. Empty: the current publication.")] = "",
) -> None:
    """Write the run report, one HTML page, into the attempt's run folder and print its path."""
    settings = load_settings()
    if not publication:
        with newest_state(settings) as (connection, _):
            _check_published(connection)
            publication = connection.execute("select publication_id from recs.current_publication").fetchall()[0][0]
    print(import_module("nightjar.reporting.report").write_report(settings, RunFolder.of(settings.lake, publication)))


def register(app: typer.Typer) -> None:
    """Add the commands to the main app."""
    for command in (status, recommend, similar, report):
        app.command()(command)


def _check_published(connection: Connection) -> None:
    row = connection.execute("select count(*) from recs.current_publication").fetchone()
    if not row or not row[0]:
        raise BadInput("nothing is published yet: nightjar run --date YYYY-MM-DD", code="nothing_published")
