"""Queries of the vectors that items have: imported kinds, as of a publication's data interval, and embeddings.

A run takes the versions that were recorded before its end; so do these queries, whatever was recorded since.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.warehouse.protocol import Connection, Result, has_column

# The space of the published embeddings, beside the kinds of vectors, whose names begin with a letter.
EMBEDDINGS = "(embeddings)"
# Cosines that differ by less are equal: their last bits depend on the place of a vector in memory.
_COSINE_DECIMALS = 9
AS_OF = """
    valid_from < (select max(as_of) from recs.publications where publication_id = ?)
    and (valid_to is null or valid_to >= (select max(as_of) from recs.publications where publication_id = ?))
"""
_KINDS = f"""
    select kind, cast(count(*) as bigint) as items, max(recorded_at) as newest
    from marts.item_vectors where {AS_OF} group by kind order by kind
"""  # noqa: S608 the module's own constants
_OF_ITEM = f"""
    select kind, dimension, recorded_at from marts.item_vectors where {AS_OF} and item_id = ? order by kind
"""  # noqa: S608 the module's own constants
_VECTORS = f"""
    select item_id, vector from marts.item_vectors where {AS_OF} and kind = ? order by item_id
"""  # noqa: S608 the module's own constants
_SAMPLE_OF_VECTORS = f"""
    select item_id, vector from (
        select item_id, vector from marts.item_vectors where {AS_OF} and kind = ? order by md5(item_id) limit ?
    ) as sampled order by item_id
"""  # noqa: S608 the module's own constants
_SAMPLE_OF_EMBEDDINGS = """
    select item_id, embedding from (
        select item_id, embedding from recs.item_embeddings where publication_id = ? order by md5(item_id) limit ?
    ) as sampled order by item_id
"""
_EMBEDDED = """
    select cast(count(*) as bigint) as items,
        (select max(content_hash) from recs.publications where publication_id = ?) as content_hash
    from recs.item_embeddings where publication_id = ?
"""


@dataclass(frozen=True)
class Space:
    """One space that items of a publication have vectors in.

    Attributes:
        name: a kind of vector, or `EMBEDDINGS`.
        items: how many have one.
        state: another text where the vectors may be others; with publication and name the key of what is made of them.
    """

    name: str
    items: int
    state: str


@dataclass(frozen=True)
class ItemVectors:
    """Vectors of one space.

    Attributes:
        item_ids: of each vector, ascending.
        vectors: (n, d) float32; (0, 0) where there is none.
    """

    item_ids: list[str]
    vectors: NDArray[np.float32]


def has_vectors(connection: Connection) -> bool:
    """Return whether the warehouse has the view of vectors: one of an earlier version gets it by its next run."""
    return has_column(connection, "marts.item_vectors", "kind")


def spaces(connection: Connection, publication_id: str) -> list[Space]:
    """Return the spaces of a publication, the embeddings first; readers of DuckDB have those of the current one."""
    [[embedded, content_hash]] = run_query(connection, _EMBEDDED, publication_id, publication_id).rows
    found = [Space(EMBEDDINGS, int(embedded), str(content_hash))] if embedded else []
    if has_vectors(connection):
        kinds = run_query(connection, _KINDS, publication_id, publication_id).rows
        found += [Space(kind, int(items), f"{items} {newest}") for kind, items, newest in kinds]
    return found


def vectors_of_item(connection: Connection, publication_id: str, item_id: str) -> QueryResult:
    """Return one row a kind that an item has: dimension, and when its version was recorded."""
    if not has_vectors(connection):
        return QueryResult(["kind", "dimension", "recorded_at"], [])
    return run_query(connection, _OF_ITEM, publication_id, publication_id, item_id)


def read_vectors(connection: Connection, publication_id: str, kind: str) -> ItemVectors:
    """Return all vectors of a kind."""
    return _vectors(connection.execute(_VECTORS, [publication_id, publication_id, kind]))


def read_sample(connection: Connection, publication_id: str, space: str, items: int) -> ItemVectors:
    """Return the vectors of a space, at most those of `items` items: always the same of one catalogue.

    Args:
        connection: to the warehouse.
        publication_id: whose vectors they are.
        space: a kind, or `EMBEDDINGS`.
        items: most of them.
    """
    if space == EMBEDDINGS:
        return _vectors(connection.execute(_SAMPLE_OF_EMBEDDINGS, [publication_id, items]))
    return _vectors(connection.execute(_SAMPLE_OF_VECTORS, [publication_id, publication_id, space, items]))


def nearest(space: ItemVectors, item_id: str, k: int) -> list[tuple[str, float]]:
    """Return the k items whose vectors have the highest cosines with that of one item, the highest first.

    Exact. Equal cosines are in the order of the ids; the item itself is left out.

    Args:
        space: vectors of one kind, none of them zero.
        item_id: of the item; without a vector it has no neighbours.
        k: items at most.
    """
    if item_id not in space.item_ids:
        return []
    row = space.item_ids.index(item_id)
    of_item = space.vectors[row].astype(np.float64)
    # Sums of doubles without a copy of all vectors as doubles.
    products = np.einsum("nd,d->n", space.vectors, of_item, dtype=np.float64)
    lengths = np.sqrt(np.einsum("nd,nd->n", space.vectors, space.vectors, dtype=np.float64))
    cosines = np.round(products / (lengths * np.linalg.norm(of_item)), _COSINE_DECIMALS)
    cosines[row] = -np.inf
    # The rows are in the order of the ids, and the sort keeps it.
    order = np.argsort(-cosines, kind="stable")[: min(k, len(cosines) - 1)]
    return [(space.item_ids[place], float(cosines[place])) for place in order]


def _vectors(result: Result) -> ItemVectors:
    item_ids, vectors = [], []
    # Row by row: all rows as Python's floats take eight times the memory.
    while (row := result.fetchone()) is not None:
        item_ids.append(str(row[0]))
        vectors.append(np.array(row[1], np.float32))
    return ItemVectors(item_ids, np.stack(vectors) if vectors else np.zeros((0, 0), np.float32))
