"""Items by title, and what is near to one in each domain."""

from nightjar.explorer.reading import Answer, ask
from nightjar.warehouse.protocol import Connection

FOUND = 50
_ITEMS = """
    select item_id, title, domain from marts.item_titles
    where strpos(lower(title), lower(?)) > 0 or item_id = ? or cast(? as text) = ''
    order by title, item_id limit ?
"""
_NEIGHBOURS = """
    select s.target_domain, s.rank, coalesce(i.title, s.similar_item_id) as title, s.similarity, s.similar_item_id
    from recs.similar_items s left join marts.item_titles i on i.item_id = s.similar_item_id
    where s.publication_id = ? and s.item_id = ? order by s.target_domain, s.rank
"""


def items_called(connection: Connection, text: str) -> Answer:
    """Return the first `FOUND` items whose title holds the text, or whose id it is."""
    return ask(connection, _ITEMS, text, text, text, FOUND)


def neighbours_of(connection: Connection, publication_id: str, item_id: str) -> Answer:
    """Return the items nearest to one, one row a neighbour: target domain, rank, title and cosine."""
    return ask(connection, _NEIGHBOURS, publication_id, item_id)
