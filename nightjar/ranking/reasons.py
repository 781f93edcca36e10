"""The reason item of a recommendation: the user's own item that contributes most to it; used by recommendation_rows.

The own item that adds most to the co-occurrence part of the score, where one adds to it, else the nearest by cosine of
the embeddings. An item that is recommended again is no reason for itself.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.sources import HistoryRule, ItemWeights
from nightjar.ranking.blend import Blend
from nightjar.ranking.catalogue import Indices, positions
from nightjar.ranking.top_k_lists import OwnItems

NEWEST = 50
_NONE = -2.0


def reason_items(units: Vectors, blend: Blend, recommended: Indices, seen: OwnItems) -> Indices:
    """Return for each recommended item the index of its reason item, -1 where there is none.

    Args:
        units: (items, dim) float32, as of `nearest_own`.
        blend: by which the items were ranked; of several sources of item weights the first that adds something to an
            item gives its reason.
        recommended: (users, n) item indices, -1 for empty ranks.
        seen: the users' own items.
    """
    reasons = np.full(recommended.shape, -1)
    for source in blend.sources:
        if isinstance(source.fitted, ItemWeights):
            rows, of_rows = _without_reason(reasons, recommended, seen)
            columns = np.where(reasons[rows] < 0, blend.columns_of(source, recommended[rows]), -1)
            arguments = recommended[rows], of_rows, columns
            strongest = strongest_own(source.fitted.weights, source.fitted.history, *arguments)
            reasons[rows] = np.where(strongest >= 0, strongest, reasons[rows])
    rows, of_rows = _without_reason(reasons, recommended, seen)
    reasons[rows] = np.where(reasons[rows] < 0, nearest_own(units, recommended[rows], of_rows), reasons[rows])
    return reasons


def _without_reason(reasons: Indices, recommended: Indices, seen: OwnItems) -> tuple[Indices, OwnItems]:
    """Return the users with an item that has no reason yet, and their own items by their place among these users."""
    rows = np.flatnonzero(((reasons < 0) & (recommended >= 0)).any(axis=1))
    place = positions(rows, len(recommended))
    of_rows = seen.where(place[seen.rows] >= 0)
    return rows, replace(of_rows, rows=place[of_rows.rows])


def nearest_own(units: Vectors, recommended: Indices, seen: OwnItems) -> Indices:
    """Return for each recommended item the user's own item with the highest cosine, -1 where there is none.

    Args:
        units: (items, dim) float32 vectors of length 1, or 0 for items without a direction.
        recommended: (users, n) item indices, -1 for empty ranks.
        seen: the users' own items; of those with a weight and a vector the newest 50 count: what was removed,
            returned or disliked is no reason. Of equal cosines the newer wins.
    """
    has_direction: NDArray[np.bool_] = np.asarray(units.any(axis=1))
    liked = seen.where(has_direction[seen.items] & (seen.weights > 0))
    own, _ = _padded(liked, liked.weights, len(recommended))
    if own.shape[1] == 0 or recommended.shape[1] == 0:
        return np.full(recommended.shape, -1)
    cosines = units[recommended] @ units[own].transpose(0, 2, 1)
    cosines[(own < 0)[:, None, :] | (own[:, None, :] == recommended[:, :, None])] = _NONE
    nearest = np.take_along_axis(own, cosines.argmax(axis=2), axis=1)
    return np.where((recommended >= 0) & has_direction[recommended] & (cosines.max(axis=2) > _NONE), nearest, -1)


def strongest_own(
    weights: sparse.csr_matrix, rule: HistoryRule, recommended: Indices, seen: OwnItems, columns: Indices | None = None
) -> Indices:
    """Return for each recommended item the user's own item that adds most to its score, -1 where none does.

    Args:
        weights: (items, columns) float32 CSR; row: own item, column: recommended item.
        rule: how the own items are weighed.
        recommended: (users, n) item indices, -1 for empty ranks.
        seen: the users' own items; the newest 50 with a weight count, each with its weight times that of the pair.
            Of equal ones the newer wins.
        columns: (users, n) column of each recommended item, -1: it has none; None: it is the item itself.
    """
    columns = recommended if columns is None else columns
    liked = seen.where(seen.weights > 0)
    own, own_weights = _padded(liked, rule.weights_of(*liked.values), len(recommended))
    if own.shape[1] == 0 or recommended.shape[1] == 0 or weights.shape[1] == 0:
        return np.full(recommended.shape, -1)
    may_explain = (own >= 0)[:, :, None] & (columns >= 0)[:, None, :] & (own[:, :, None] != recommended[:, None, :])
    # All pairs of an own item after each other: its weights are in the cache by then.
    user, place, rank = np.nonzero(may_explain)
    contributions = np.zeros(may_explain.shape, np.float32)
    pair_weights = np.asarray(weights[own[user, place], columns[user, rank]]).ravel()
    contributions[may_explain] = pair_weights * own_weights[user, place]
    strongest = np.take_along_axis(own, contributions.argmax(axis=1), axis=1)
    return np.where(contributions.max(axis=1) > 0, strongest, -1)


def _padded(own: OwnItems, values: Vectors, users: int) -> tuple[Indices, Vectors]:
    place = own.place_in_row()
    newest = place < NEWEST
    padded = np.full((users, int(place[newest].max(initial=-1)) + 1), -1)
    padded_values = np.zeros(padded.shape, np.float32)
    padded[own.rows[newest], place[newest]] = own.items[newest]
    padded_values[own.rows[newest], place[newest]] = values[newest]
    return padded, padded_values
