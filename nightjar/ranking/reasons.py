"""Why an item is recommended: one of the items that the user liked; used by block.

The own item that adds most to the co-occurrence part of the item's score, where one adds to it, else the one nearest
to it by cosine, which is what the embeddings' part goes by. An item that a user gets again is no reason for itself.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.blend import Blend
from nightjar.ranking.candidates import Indices
from nightjar.ranking.filling import UserItemPairs

NEWEST = 50
_NONE = -2.0


def reasons(units: Vectors, blend: Blend | None, listed: Indices, seen: UserItemPairs) -> Indices:
    """Return for each listed item the index of the user's own item that explains it best, -1 where there is none.

    Args:
        units: (items, dim) float32, as of `nearest_own`.
        blend: the rule by which the lists were ranked; None: by the embeddings alone.
        listed: (users, n) item indices, -1 for empty places.
        seen: the users' own items.
    """
    nearest = nearest_own(units, listed, seen)
    if blend is None:
        return nearest
    strongest = strongest_own(blend.weights, blend.history_exponent, listed, seen)
    return np.where(strongest >= 0, strongest, nearest)


def nearest_own(units: Vectors, listed: Indices, seen: UserItemPairs) -> Indices:
    """Return for each listed item the index of the user's own item with the highest cosine, -1 where there is none.

    Args:
        units: (items, dim) float32 vectors of length 1, or 0 for items without a direction.
        listed: (users, n) item indices, -1 for empty places.
        seen: the users' own items; of those with a weight and a direction the newest 50 count, because what was
            removed, returned or disliked speaks for nothing. Equal cosines go to the newer.
    """
    has_direction: NDArray[np.bool_] = np.asarray(units.any(axis=1))
    own, _ = _padded(seen.of(has_direction[seen.items] & (seen.weights > 0)), len(listed))
    if own.shape[1] == 0 or listed.shape[1] == 0:
        return np.full(listed.shape, -1)
    cosines = units[listed] @ units[own].transpose(0, 2, 1)
    cosines[(own < 0)[:, None, :] | (own[:, None, :] == listed[:, :, None])] = _NONE
    nearest = np.take_along_axis(own, cosines.argmax(axis=2), axis=1)
    return np.where((listed >= 0) & has_direction[listed] & (cosines.max(axis=2) > _NONE), nearest, -1)


def strongest_own(weights: sparse.csr_matrix, exponent: float, listed: Indices, seen: UserItemPairs) -> Indices:
    """Return for each listed item the user's own item that speaks most for it, -1 where none does.

    Args:
        weights: (items, items) float32 CSR; row: own item, column: listed item.
        exponent: what the weights of the own items are raised to.
        listed: (users, n) item indices, -1 for empty places.
        seen: the users' own items; the newest 50 with a weight count, each with its weight times that of the pair.
            Equal ones go to the newer.
    """
    own, own_weights = _padded(seen.of(seen.weights > 0), len(listed))
    if own.shape[1] == 0 or listed.shape[1] == 0:
        return np.full(listed.shape, -1)
    pairs = np.broadcast_arrays(own[:, None, :], listed[:, :, None])
    found = np.asarray(weights[pairs[0].ravel(), pairs[1].ravel()]).reshape(pairs[0].shape)
    explains = (pairs[0] >= 0) & (pairs[1] >= 0) & (pairs[0] != pairs[1])
    shares = np.where(explains, found * own_weights[:, None, :] ** exponent, 0)
    strongest = np.take_along_axis(own, shares.argmax(axis=2), axis=1)
    return np.where(shares.max(axis=2) > 0, strongest, -1)


def _padded(own: UserItemPairs, users: int) -> tuple[Indices, Vectors]:
    place = own.place_in_row()
    newest = place < NEWEST
    padded = np.full((users, int(place[newest].max(initial=-1)) + 1), -1)
    weights = np.zeros(padded.shape, np.float32)
    padded[own.rows[newest], place[newest]] = own.items[newest]
    weights[own.rows[newest], place[newest]] = own.weights[newest]
    return padded, weights
