"""What one user did and what they are recommended, by title."""

from nightjar.explorer.reading import Answer, ask
from nightjar.warehouse.protocol import Connection

FOUND = 50
_USERS = """
    select distinct user_id from recs.recommendations
    where publication_id = ? and starts_with(user_id, ?) order by user_id limit ?
"""
_LISTS = """
    select r.domain, r.rank, coalesce(i.title, r.item_id) as title, r.source,
        coalesce(why.title, r.reason_item_id) as because_of, r.score, r.item_id
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


def users_beginning_with(connection: Connection, publication_id: str, text: str) -> list[str]:
    """Return the first `FOUND` ids that begin so and have a list in the publication."""
    found: list[str] = ask(connection, _USERS, publication_id, text, FOUND).column("user_id")
    return found


def lists_of(connection: Connection, publication_id: str, user_id: str) -> Answer:
    """Return the user's lists, one row an item: domain, rank, title, source and the item it is there because of."""
    return ask(connection, _LISTS, publication_id, user_id)


def popular_lists(connection: Connection, publication_id: str) -> Answer:
    """Return what the publication gives a user whom it does not know, the first ten of each domain."""
    return ask(connection, _POPULAR, publication_id)


def history_of(connection: Connection, user_id: str, events: int) -> Answer:
    """Return the user's newest events, newest first; those of later dates than a publication's are among them."""
    return ask(connection, _HISTORY, user_id, events)
