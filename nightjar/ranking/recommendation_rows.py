"""Recommendations of one block of users as rows: Arrow tables in and out of the ranker.

Used by the Spark job score_users, and for requests of one user.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.repeat_rule import NEVER, Repeats
from nightjar.ranking.catalogue import Catalogue, find
from nightjar.ranking.ranker import UserBlock, rank_block
from nightjar.ranking.reasons import reason_items
from nightjar.ranking.top_k_lists import COLD_USER, SOURCES, OwnItems, TopKLists, UserItemPairs, place_in_row

_DECIMALS = 4


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
        seen_rows: user_index, item_index, recency, weight and newest_rank (both nullable) of these users, in any order,
            and where repeats are allowed days_since, the whole days since the user's last event with the item. Without
            newest_rank, as in features of earlier versions, the order of recency counts.
        items: the catalogue.
        k: recommendations per user and domain.
        diversity_weight: how much a list avoids items similar to those ranked above; 0: not at all.
        repeats: which of the seen items may be recommended again.
    """
    users = users.sort_by("user_index")
    indices = users["user_index"].to_numpy().astype(np.int64)
    ordered = seen_rows.sort_by([("user_index", "ascending"), ("recency", "ascending")])
    seen = _own_items(indices, ordered)
    left_out: UserItemPairs = seen if repeats.allows_none else seen.where(_is_left_out(ordered, items, repeats))
    block = UserBlock(
        indices,
        {name: np.asarray(vectors[indices]) for name, vectors in items.user_vectors.items()},
        np.asarray(items.user_sources[indices]),
        users["segment"].to_numpy(zero_copy_only=False).astype(object),
        seen.history(len(indices), len(items.units)),
        left_out,
    )
    return _table(users["user_id"], rank_block(block, items, k, diversity_weight), seen, items, k)


def _own_items(indices: NDArray[np.int64], ordered: pa.Table) -> OwnItems:
    rows = find(indices, ordered["user_index"].to_numpy().astype(np.int64))
    items = ordered["item_index"].to_numpy().astype(np.int64)
    weights = pc.fill_null(ordered["weight"], 0.0).to_numpy().astype(np.float32)
    if "newest_rank" in ordered.column_names:
        ranks = pc.fill_null(ordered["newest_rank"], 0).to_numpy().astype(np.float32)
    else:
        ranks = np.zeros_like(weights)
        ranks[weights > 0] = place_in_row(rows[weights > 0]) + 1
    return OwnItems(rows, items, weights, ranks)


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


def _table(user_ids: pa.ChunkedArray, lists: list[TopKLists], seen: OwnItems, items: Catalogue, k: int) -> pa.Table:
    names = items.blend.names
    joined = TopKLists.side_by_side([TopKLists.empty(len(user_ids), 0, len(names)), *lists])
    row, column = np.nonzero(joined.items >= 0)
    item, source = joined.items[row, column], joined.sources[row, column]
    reason = reason_items(items.units, items.blend, joined.items, seen)[row, column]
    columns = {
        "user_id": user_ids.take(pa.array(row)),
        "domain": pa.array([domain.name for domain in items.domains], pa.string()).take(pa.array(column // k)),
        "rank": pa.array(column % k + 1, pa.int32()),
        "item_id": items.item_ids.take(pa.array(item)),
        "score": pa.array(joined.scores[row, column], pa.float32()),
        "source": pa.array(SOURCES).take(pa.array(source)),
        "contributions": _contributions(names, joined.contributions[row, column], source <= COLD_USER),
        "reason_item_id": items.item_ids.take(pa.array(reason, mask=reason < 0)),
    }
    return pa.table(columns)


def _contributions(names: tuple[str, ...], values: Vectors, is_of_model: NDArray[np.bool_]) -> pa.Array:
    """Return a JSON object a row, what each source added to the score; null for popular items."""
    rounded = np.round(values.astype(np.float64), _DECIMALS) + 0.0
    members = [
        pc.if_else(
            pa.array(rounded[:, place] != 0),
            pc.binary_join_element_wise(f',"{name}":', pc.cast(pa.array(rounded[:, place]), pa.string()), ""),
            "",
        )
        for place, name in enumerate(names)
    ]
    # The first comma goes.
    joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*members, ""), 1)
    return pc.if_else(pa.array(is_of_model), pc.binary_join_element_wise("{", joined, "}", ""), None)
