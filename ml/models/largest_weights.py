"""Keeps the largest weights of each column; pure, used wherever item-item weights are fitted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def pruned_columns(weights: NDArray[Any], kept: int) -> sparse.csc_matrix:
    """Return the `kept` largest weights by size of each column; equal ones at the border in any order.

    Args:
        weights: (rows, columns).
        kept: weights kept a column, at least 1.

    Returns:
        (rows, columns) CSC without zeros.
    """
    kept = min(kept, len(weights))
    largest = np.argpartition(-np.abs(weights), kept - 1, axis=0)[:kept]
    values = np.take_along_axis(weights, largest, axis=0)
    columns = np.broadcast_to(np.arange(weights.shape[1]), largest.shape)
    pruned = sparse.csc_matrix((values.ravel(), (largest.ravel(), columns.ravel())), shape=weights.shape)
    pruned.eliminate_zeros()
    return pruned
