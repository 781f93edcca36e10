"""Queries of the user page: one user's history and recommendations, by title."""

from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.serving.contributions import contributions_by_source
from nightjar.warehouse.protocol import Connection, has_column

MAX_RESULTS = 50
_USERS = """
    select distinct user_id from recs.recommendations
    where publication_id = ? and starts_with(user_id, ?) order by user_id limit ?
"""
_RECOMMENDATIONS = """
    select r.domain, r.rank, coalesce(i.title, r.item_id) as title, r.source,
        coalesce(why.title, r.reason_item_id) as because_of, r.score, r.item_id, {contributions} as contributions
    from recs.recommendations r
    left join marts.item_titles i on i.item_id = r.item_id
    left join marts.item_titles why on why.item_id = r.reason_item_id
    where r.publication_id = ? and r.user_id = ? order by r.domain, r.rank
"""
_POPULAR = """
    select p.domain, p.rank, coalesce(i.title, p.item_id) as title, p.score, p.item_id
    from recs.popular_items p left join marts.item_titles i on i.item_id = p.item_id
    where p.publication_id = ? and p.segment = 'all' and p.rank <= 10 order by p.domain, p.rank
"""
_HISTORY = """
    select occurred_at, event_type, title, domain, value, item_id
    from marts.user_events where user_id = ? order by occurred_at desc, event_id limit ?
"""


def find_users(connection: Connection, publication_id: str, text: str) -> list[str]:
    """Return the first `MAX_RESULTS` ids that begin with the text and have recommendations in the publication."""
    user_ids: list[str] = run_query(connection, _USERS, publication_id, text, MAX_RESULTS).column("user_id")
    return user_ids


def recommendations_of(connection: Connection, publication_id: str, user_id: str) -> QueryResult:
    """Return the user's recommendations, one row an item: domain, rank, title, source, reason item, contributions."""
    # An earlier version made the table without the column; the next run adds it.
    is_there = has_column(connection, "recs.recommendations", "contributions")
    query = _RECOMMENDATIONS.format(contributions="r.contributions" if is_there else "null")
    return run_query(connection, query, publication_id, user_id)


def contributions_of(recommendations: QueryResult) -> QueryResult:
    """Return what each source of the model added to the score of each row, one row an item and source.

    Popular items, and recommendations of an earlier version, have no rows.
    """
    added = contributions_by_source(recommendations.column("contributions"))
    items = list(zip(recommendations.column("rank"), recommendations.column("title"), strict=True))
    return QueryResult(
        ["item", "rank", "source", "contribution"],
        [
            (f"{rank}. {title}", rank, source, value)
            for source, values in added.items()
            for (rank, title), value in zip(items, values, strict=True)
            if value is not None
        ],
    )


def popular_items(connection: Connection, publication_id: str) -> QueryResult:
    """Return the popular items of an unknown user, the first ten of each domain."""
    return run_query(connection, _POPULAR, publication_id)


def user_history(connection: Connection, user_id: str, events: int) -> QueryResult:
    """Return the user's newest events, newest first; also those after the publication's date."""
    return run_query(connection, _HISTORY, user_id, events)
