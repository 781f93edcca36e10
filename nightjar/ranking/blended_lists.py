"""Top-K lists of users with trained vectors where the model has item-item weights; used by user_block."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.blend import LOWEST, Blend, best_columns
from nightjar.ranking.catalogue import Domain, Indices, positions
from nightjar.ranking.top_k_lists import PERSONAL, TopKLists, UserItemPairs


def put_blended_lists(
    lists: Sequence[TopKLists],
    rows: Indices,
    vectors: Vectors,
    blend: Blend,
    domains: Sequence[Domain],
    seen: UserItemPairs,
    left_out: UserItemPairs,
) -> None:
    """Set the lists of some users of a block in every domain.

    Args:
        lists: of the block, one a domain.
        rows: the users to score, ascending.
        vectors: (users of the block, dim) float32.
        blend: the rule.
        domains: in the order of the lists.
        seen: of the block; its weights are the history to score by.
        left_out: of the block; what may not be recommended.
    """
    history = _history(seen, len(vectors), len(blend.vectors))
    # The chunks depend on the block and the number of items only, and so does every bit of the products.
    for start in range(0, len(rows), blend.rows_at_once):
        chunk = rows[start : start + blend.rows_at_once]
        scores = blend.scores(vectors[chunk], history[chunk])
        among = positions(chunk, len(vectors))[left_out.rows]
        scores[among[among >= 0], left_out.items[among >= 0]] = LOWEST
        for filled, domain in zip(lists, domains, strict=True):
            column, values = best_columns(scores[:, domain.candidates], filled.items.shape[1])
            items = np.where(column >= 0, np.append(domain.candidates, -1)[column], -1)
            filled.put(chunk, items, values, PERSONAL)


def _history(seen: UserItemPairs, users: int, items: int) -> sparse.csr_matrix:
    liked = seen.where(seen.weights > 0)
    history = sparse.csr_matrix((liked.weights, (liked.rows, liked.items)), shape=(users, items))
    history.sort_indices()
    return history
