"""The product of histories and item weights, dense; used by the blend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import _sparsetools

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.sources import History, HistoryRule


@dataclass(frozen=True)
class WeighedHistory:
    """The own items of some users, weighed by a rule, user after user.

    Attributes:
        starts: (users + 1,) where the items of each user start.
        items: ascending for each user.
        weights: float32 of the items, not 0.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int64]
    weights: Vectors

    @classmethod
    def of(cls, history: History, rule: HistoryRule) -> "WeighedHistory":
        """Weigh a history as `HistoryRule.weighed` does, without scipy's matrices, which take longer than the rest."""
        pairs, ranks = (
            each if each.has_sorted_indices else each.sorted_indices()
            for each in (history.weights, history.newest_ranks)
        )
        weights = rule.weights_of(pairs.data, ranks.data).astype(np.float32, copy=False)
        is_kept = weights != 0
        starts = np.concatenate([[0], np.cumsum(is_kept)])[pairs.indptr]
        return cls(starts, pairs.indices[is_kept], weights[is_kept])

    def subtract_average(self, scores: Vectors, average: Vectors) -> NDArray[np.bool_]:
        """Subtract from each user's scores, in place, the average times the sum of the user's weights.

        Returns:
            (users,) whether the history has a weight for any of the items; a user without one gets 0, not the negative
            average.
        """
        has_signal = np.asarray(scores.any(axis=1))
        scores -= self.sizes()[:, None] * average
        return has_signal

    def sizes(self) -> Vectors:
        """Return the sum of each user's weights: (users,)."""
        users = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return np.bincount(users, self.weights, len(self.starts) - 1).astype(np.float32)


def add_history_products(
    histories: Sequence[WeighedHistory], weights: sparse.csr_matrix, sums: Sequence[Vectors]
) -> None:
    """Add the product of weighed histories and item weights to dense sums, from each user's last item to the first.

    scipy's own sparse product counts its entries, adds them up in a linked list and is made dense afterwards: 70
    microseconds a user with 46 items and 4,000 to score. Its product of a CSC matrix and a vector adds up in place
    (10), where the rows of the user's items pass as columns. Column j has the entries from starts[j] to starts[j + 1].
    With the start and the end of one row after the other, every second column is a row; the others, from the end of a
    row to the start of one that stands before it, are empty.

    Args:
        histories: of the same users, weighed in several ways: one user after the other, so that the weights of their
            items are still in the cache for the second.
        weights: (items, columns) float32 CSR.
        sums: (users, columns) float32 for each of the histories, rows contiguous.
    """
    indices, data = np.asarray(weights.indices), np.asarray(weights.data)
    columns = [_columns(each, weights.indptr, indices.dtype) for each in histories]
    for user in range(len(histories[0].starts) - 1):
        for (starts, factors, edges), of_history in zip(columns, sums, strict=True):
            first, last = edges[user + 1], edges[user]
            if first < last:
                # The last end begins no column.
                size, chosen = last - first - 1, factors[first : last - 1]
                arguments = starts[first:last], indices, data, chosen, of_history[user]
                _sparsetools.csc_matvec(of_history.shape[1], size, *arguments)


def _columns(
    history: WeighedHistory, row_starts: NDArray[Any], dtype: np.dtype[Any]
) -> tuple[NDArray[Any], Vectors, list[int]]:
    """Return starts and ends of the rows of all items, last user and item first, a factor of each, and users' edges."""
    items = history.items[::-1]
    starts = np.empty((len(items), 2), dtype)
    starts[:, 0], starts[:, 1] = row_starts[items], row_starts[items + 1]
    edges = (2 * (len(items) - history.starts)).tolist()
    return starts.ravel(), np.repeat(history.weights[::-1], 2), edges
