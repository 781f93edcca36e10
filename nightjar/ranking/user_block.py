"""The recommendations of one block of users: by the model, then popular with their segment, then popular with all.

Pure; used by the Spark job score_users, and for requests of one user.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.repeat_rule import NEVER, Repeats
from nightjar.contract.tables import EVERYONE
from nightjar.ranking.blended_lists import put_blended_lists
from nightjar.ranking.catalogue import Catalogue, Domain, Indices, find, positions
from nightjar.ranking.marginal_relevance import POOL_FACTOR, diversified
from nightjar.ranking.reasons import reason_items
from nightjar.ranking.top_k import Excluded, top_k
from nightjar.ranking.top_k_lists import (
    COLD_USER,
    PERSONAL,
    POPULAR,
    SEGMENT_POPULAR,
    SOURCES,
    TopKLists,
    UserItemPairs,
)


def recommend_to_block(
    users: pa.Table,
    seen_rows: pa.Table,
    items: Catalogue,
    k: int,
    diversity_weight: float = 0.0,
    repeats: Repeats = NEVER,
) -> pa.Table:
    """Return the recommendations of one block of users.

    Args:
        users: user_index, user_id, segment (nullable), in any order.
        seen_rows: user_index, item_index, recency, weight (nullable) of these users, in any order, and where repeats
            are allowed days_since, the whole days since the user's last event with the item.
        items: the catalogue.
        k: recommendations per user and domain.
        diversity_weight: how much a list avoids items similar to those ranked above; 0: not at all.
        repeats: which of the seen items may be recommended again.
    """
    users = users.sort_by("user_index")
    indices = users["user_index"].to_numpy().astype(np.int64)
    ordered = seen_rows.sort_by([("user_index", "ascending"), ("recency", "ascending")])
    seen = _seen_pairs(indices, ordered)
    left_out = seen if repeats.allows_none else seen.where(_is_left_out(ordered, items, repeats))
    sources = np.asarray(items.user_sources[indices])
    vectors = np.column_stack([items.user_vectors[indices], np.ones(len(indices), np.float32)])
    lists = [
        _re_ranked(filled, items.units, k, diversity_weight)
        for filled in _model_lists(
            sources, vectors, seen, left_out, items, k if diversity_weight == 0 else POOL_FACTOR * k
        )
    ]
    for domain, filled in zip(items.domains, lists, strict=True):
        for segment, rows in _rows_by_segment(users["segment"], sources).items():
            if segment in domain.popular:
                filled.fill(rows, domain.popular[segment], left_out, SEGMENT_POPULAR)
        filled.fill(np.arange(len(indices)), domain.popular[EVERYONE], left_out, POPULAR)
    return _table(users["user_id"], lists, seen, items, k)


def _seen_pairs(indices: Indices, ordered: pa.Table) -> UserItemPairs:
    rows = find(indices, ordered["user_index"].to_numpy().astype(np.int64))
    weights = pc.fill_null(ordered["weight"], 0.0).to_numpy().astype(np.float32)
    return UserItemPairs(rows, ordered["item_index"].to_numpy().astype(np.int64), weights)


def _is_left_out(ordered: pa.Table, items: Catalogue, repeats: Repeats) -> NDArray[np.bool_]:
    """Return for each seen pair whether the item may not be recommended to the user: (pairs,)."""
    never = np.iinfo(np.int32).max
    pauses = np.full(len(items.units), never)
    for domain in items.domains:
        days = repeats.after_days(domain.name)
        for members in (domain.candidates, *(each.items for each in domain.popular.values())):
            pauses[members] = never if days is None else days
    left_out: NDArray[np.bool_] = ordered["days_since"].to_numpy() < pauses[ordered["item_index"].to_numpy()]
    return left_out


def _model_lists(
    sources: Indices, vectors: Vectors, seen: UserItemPairs, left_out: UserItemPairs, items: Catalogue, k: int
) -> list[TopKLists]:
    """Return lists of k ranks, one a domain, filled for the users known to the model."""
    lists = [TopKLists.empty(len(sources), k) for _ in items.domains]
    trained = np.flatnonzero(sources == TRAINED)
    if items.blend:
        put_blended_lists(lists, trained, vectors[:, :-1], items.blend, items.domains, seen, left_out)
    for domain, filled in zip(items.domains, lists, strict=True):
        if not items.blend:
            _put_model_rows(filled, trained, vectors, domain, left_out, PERSONAL)
        _put_model_rows(filled, np.flatnonzero(sources == FEATURES_ONLY), vectors, domain, left_out, COLD_USER)
    return lists


def _re_ranked(pool: TopKLists, units: Vectors, k: int, diversity_weight: float) -> TopKLists:
    if diversity_weight == 0:
        return pool
    chosen, values = diversified(pool.items, pool.scores, units, k, diversity_weight)
    return TopKLists(chosen, values, pool.sources[:, :k].copy())


def _put_model_rows(
    lists: TopKLists, rows: Indices, vectors: Vectors, domain: Domain, out: UserItemPairs, source: int
) -> None:
    among, column = positions(rows, len(lists.items))[out.rows], domain.column_of[out.items]
    is_excluded = (among >= 0) & (column >= 0)
    excluded = Excluded(among[is_excluded], column[is_excluded], len(rows))
    lists.put(rows, *top_k(domain.candidates, domain.vectors, vectors[rows], lists.items.shape[1], excluded), source)


def _rows_by_segment(segments: pa.ChunkedArray, sources: Indices) -> dict[str, Indices]:
    is_unknown = sources == UNKNOWN
    names = pc.unique(segments.filter(pa.array(is_unknown))).drop_null().to_pylist()
    return {
        name: np.flatnonzero(is_unknown & pc.fill_null(pc.equal(segments, name), False).to_numpy()) for name in names
    }


def _table(
    user_ids: pa.ChunkedArray, lists: list[TopKLists], seen: UserItemPairs, items: Catalogue, k: int
) -> pa.Table:
    joined = TopKLists.side_by_side([TopKLists.empty(len(user_ids), 0), *lists])
    row, column = np.nonzero(joined.items >= 0)
    item = joined.items[row, column]
    reason = reason_items(items.units, items.blend, joined.items, seen)[row, column]
    columns = {
        "user_id": user_ids.take(pa.array(row)),
        "domain": pa.array([domain.name for domain in items.domains], pa.string()).take(pa.array(column // k)),
        "rank": pa.array(column % k + 1, pa.int32()),
        "item_id": items.item_ids.take(pa.array(item)),
        "score": pa.array(joined.scores[row, column], pa.float32()),
        "source": pa.array(SOURCES).take(pa.array(joined.sources[row, column])),
        "reason_item_id": items.item_ids.take(pa.array(reason, mask=reason < 0)),
    }
    return pa.table(columns)
