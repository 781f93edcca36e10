"""Queries of the map of items: what its points are called and coloured by, as of a publication's data interval."""

from collections.abc import Mapping, Sequence

from ml.evaluation.item_labels import grey_first
from nightjar.explorer.item_vectors import AS_OF
from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.warehouse.protocol import Connection, has_column

# More items take more than a minute to place, and more than a screen to show.
MAX_ITEMS = 10_000
DOMAIN = "(domain)"
_TITLES = "select item_id, title, domain from marts.item_titles"
_FEATURE_KINDS = f"""
    select substr(feature, 1, strpos(feature, ':') - 1) as kind, count(distinct item_id) as items
    from marts.item_features where {AS_OF} and strpos(feature, ':') > 1 group by 1 order by 2 desc, 1
"""  # noqa: S608 the module's own constants
_VALUES = f"""
    select item_id, substr(feature, length(?) + 2) as value, weight
    from marts.item_features where {AS_OF} and starts_with(feature, ? || ':')
"""  # noqa: S608 the module's own constants


def feature_kinds(connection: Connection, publication_id: str) -> list[str]:
    """Return the kinds of the items' features, the one that most items have first."""
    if not has_column(connection, "marts.item_features", "feature"):
        return []
    kinds: list[str] = run_query(connection, _FEATURE_KINDS, publication_id, publication_id).column("kind")
    return kinds


def titles(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return title and domain of every item, by id."""
    return {item_id: (title, domain) for item_id, title, domain in run_query(connection, _TITLES).rows}


def values_of(connection: Connection, publication_id: str, kind: str) -> dict[str, list[tuple[str, float]]]:
    """Return the items' values of one kind of feature with their weights, by id; of `DOMAIN` the items' domain."""
    if kind == DOMAIN:
        return {item_id: [(domain, 1.0)] for item_id, (_, domain) in titles(connection).items()}
    found: dict[str, list[tuple[str, float]]] = {}
    for item_id, value, weight in run_query(connection, _VALUES, kind, publication_id, publication_id, kind).rows:
        found.setdefault(item_id, []).append((value, weight))
    return found


def points(
    item_ids: Sequence[str],
    coordinates: Sequence[Sequence[float]],
    labels: Sequence[str],
    called: Mapping[str, tuple[str, str]],
) -> QueryResult:
    """Return one row a point, in the order of drawing: title, domain, label, x and y to three decimals, id.

    Args:
        item_ids: the items.
        coordinates: (n, 2) of each.
        labels: of each.
        called: title and domain by id.
    """
    rows = [
        (*called.get(item_id, (item_id, None)), label, round(x, 3), round(y, 3), item_id)
        for item_id, (x, y), label in zip(item_ids, coordinates, labels, strict=True)
    ]
    return QueryResult(["title", "domain", "label", "x", "y", "item_id"], [rows[place] for place in grey_first(labels)])
