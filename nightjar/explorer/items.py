"""Queries of the item page: items by title, and the similar items of one in each domain and by each kind of vector."""

from collections.abc import Sequence

from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.warehouse.protocol import Connection

MAX_RESULTS = 50
_ITEMS = """
    select item_id, title, domain from marts.item_titles
    where strpos(lower(title), lower(?)) > 0 or item_id = ? or cast(? as text) = ''
    order by title, item_id limit ?
"""
_SIMILAR_ITEMS = """
    select s.target_domain, s.rank, coalesce(i.title, s.similar_item_id) as title, s.similarity, s.similar_item_id
    from recs.similar_items s left join marts.item_titles i on i.item_id = s.similar_item_id
    where s.publication_id = ? and s.item_id = ? order by s.target_domain, s.rank
"""
_TITLES = "select item_id, title, domain from marts.item_titles where item_id in ({marks})"


def find_items(connection: Connection, text: str) -> QueryResult:
    """Return the first `MAX_RESULTS` items whose title contains the text, or whose id equals it."""
    return run_query(connection, _ITEMS, text, text, text, MAX_RESULTS)


def similar_items(connection: Connection, publication_id: str, item_id: str) -> QueryResult:
    """Return the items nearest to one, one row a similar item: target domain, rank, title and cosine."""
    return run_query(connection, _SIMILAR_ITEMS, publication_id, item_id)


def with_titles(connection: Connection, neighbours: Sequence[tuple[str, float]]) -> QueryResult:
    """Return ids with their cosines as rows: rank from 1, title, domain, similarity and id, in their order."""
    marks = ", ".join("?" * len(neighbours)) or "null"
    query = _TITLES.format(marks=marks)
    found = run_query(connection, query, *(item_id for item_id, _ in neighbours))
    titles = {item_id: (title, domain) for item_id, title, domain in found.rows}
    return QueryResult(
        ["rank", "title", "domain", "similarity", "item_id"],
        [
            (rank, *titles.get(item_id, (item_id, None)), cosine, item_id)
            for rank, (item_id, cosine) in enumerate(neighbours, start=1)
        ],
    )
