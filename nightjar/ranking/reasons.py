"""The reason item of a recommendation: the user's own item that contributes most to it; used by user_block.

The own item that adds most to the co-occurrence part of the score, where one adds to it, else the nearest by cosine of
the embeddings. An item that is recommended again is no reason for itself.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.blend import Blend
from nightjar.ranking.catalogue import Indices
from nightjar.ranking.top_k_lists import UserItemPairs

NEWEST = 50
_NONE = -2.0


def reason_items(units: Vectors, blend: Blend | None, recommended: Indices, seen: UserItemPairs) -> Indices:
    """Return for each recommended item the index of its reason item, -1 where there is none.

    Args:
        units: (items, dim) float32, as of `nearest_own`.
        blend: by which the items were ranked; None: by the embeddings alone.
        recommended: (users, n) item indices, -1 for empty ranks.
        seen: the users' own items.
    """
    nearest = nearest_own(units, recommended, seen)
    if blend is None:
        return nearest
    strongest = strongest_own(blend.weights, blend.history_exponent, recommended, seen)
    return np.where(strongest >= 0, strongest, nearest)


def nearest_own(units: Vectors, recommended: Indices, seen: UserItemPairs) -> Indices:
    """Return for each recommended item the user's own item with the highest cosine, -1 where there is none.

    Args:
        units: (items, dim) float32 vectors of length 1, or 0 for items without a direction.
        recommended: (users, n) item indices, -1 for empty ranks.
        seen: the users' own items; of those with a weight and a vector the newest 50 count: what was removed,
            returned or disliked is no reason. Of equal cosines the newer wins.
    """
    has_direction: NDArray[np.bool_] = np.asarray(units.any(axis=1))
    own, _ = _padded(seen.where(has_direction[seen.items] & (seen.weights > 0)), len(recommended))
    if own.shape[1] == 0 or recommended.shape[1] == 0:
        return np.full(recommended.shape, -1)
    cosines = units[recommended] @ units[own].transpose(0, 2, 1)
    cosines[(own < 0)[:, None, :] | (own[:, None, :] == recommended[:, :, None])] = _NONE
    nearest = np.take_along_axis(own, cosines.argmax(axis=2), axis=1)
    return np.where((recommended >= 0) & has_direction[recommended] & (cosines.max(axis=2) > _NONE), nearest, -1)


def strongest_own(weights: sparse.csr_matrix, exponent: float, recommended: Indices, seen: UserItemPairs) -> Indices:
    """Return for each recommended item the user's own item that adds most to its score, -1 where none does.

    Args:
        weights: (items, items) float32 CSR; row: own item, column: recommended item.
        exponent: power of the weights of the own items.
        recommended: (users, n) item indices, -1 for empty ranks.
        seen: the users' own items; the newest 50 with a weight count, each with its weight times that of the pair.
            Of equal ones the newer wins.
    """
    own, own_weights = _padded(seen.where(seen.weights > 0), len(recommended))
    if own.shape[1] == 0 or recommended.shape[1] == 0:
        return np.full(recommended.shape, -1)
    pairs = np.broadcast_arrays(own[:, None, :], recommended[:, :, None])
    pair_weights = np.asarray(weights[pairs[0].ravel(), pairs[1].ravel()]).reshape(pairs[0].shape)
    may_explain = (pairs[0] >= 0) & (pairs[1] >= 0) & (pairs[0] != pairs[1])
    contributions = np.where(may_explain, pair_weights * own_weights[:, None, :] ** exponent, 0)
    strongest = np.take_along_axis(own, contributions.argmax(axis=2), axis=1)
    return np.where(contributions.max(axis=2) > 0, strongest, -1)


def _padded(own: UserItemPairs, users: int) -> tuple[Indices, Vectors]:
    place = own.place_in_row()
    newest = place < NEWEST
    padded = np.full((users, int(place[newest].max(initial=-1)) + 1), -1)
    weights = np.zeros(padded.shape, np.float32)
    padded[own.rows[newest], place[newest]] = own.items[newest]
    weights[own.rows[newest], place[newest]] = own.weights[newest]
    return padded, weights
