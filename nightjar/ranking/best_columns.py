"""The best columns of each row of some scores, and the score of what may not be chosen; used where lists are made."""

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors

# Score of an item that may not be recommended: below every other.
LOWEST = -np.finfo(np.float32).max
_ABOVE_LOWEST = np.nextafter(LOWEST, np.float32(0))
_STRIPE = 16


def best_columns(scores: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
    """Return the k best columns of each row above `LOWEST` and their scores, best first, equal scores by column.

    The k-th best of the maxima of disjoint groups of columns is a lower bound of the k-th best score, found in one
    pass.

    Args:
        scores: (rows, columns) float32.
        k: columns of a row.

    Returns:
        (rows, k) columns, -1 where a row has fewer, and (rows, k) scores, `LOWEST` there.
    """
    rows, columns = scores.shape
    best, values = np.full((rows, k), -1, np.int64), np.full((rows, k), LOWEST, np.float32)
    bound = np.full(rows, _ABOVE_LOWEST)
    groups = columns // _STRIPE
    if groups >= k:
        maxima = scores[:, : groups * _STRIPE].reshape(rows, _STRIPE, groups).max(axis=1)
        bound = np.maximum(bound, np.partition(maxima, groups - k, axis=1)[:, groups - k])
    # Several times as fast as the nonzero elements of a matrix.
    row, column = np.divmod(np.flatnonzero(scores >= bound[:, None]), max(1, columns))
    order = np.lexsort((column, -scores[row, column], row))
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    row, column, place = (each[place < k] for each in (row, column, place))
    best[row, place], values[row, place] = column, scores[row, column]
    return best, values
