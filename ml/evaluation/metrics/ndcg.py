"""NDCG@k: hits count less the lower they rank, relative to the best possible list."""

import numpy as np
from numpy.typing import NDArray


def ndcg(hits: NDArray[np.bool_], truth_sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """NDCG@k of each user: sum over hits of 1/log2(rank + 1), / the same sum of a perfect list.

    Binary gains; the perfect list has hits at the ranks 1 to min(k, |truth|) (Järvelin and Kekäläinen 2002).

    Args:
        hits: (users, k), whether the item at each rank is in the user's truth.
        truth_sizes: (users,), number of items in each user's truth.

    Returns:
        (users,) values in [0, 1]; nan where the truth is empty, to be left out by `nanmean`.

    >>> ndcg(np.array([[False, True, False]]), np.array([1]))  # 1/log2(3)
    array([0.63092975])
    """
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], discounts.cumsum()])[np.minimum(hits.shape[1], truth_sizes)]
    empty = np.full(len(hits), np.nan)
    values: NDArray[np.float64] = np.divide(hits @ discounts, ideal, out=empty, where=ideal > 0)
    return values
