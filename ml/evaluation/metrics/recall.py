"""Recall@k: the fraction of the truth that is recommended."""

import numpy as np
from numpy.typing import NDArray


def recall(hits: NDArray[np.bool_], truth_sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Recall@k of each user: hits / min(k, |truth|).

    The divisor is capped at k (as in the truncated recall of Liang et al. 2018, "Variational autoencoders for
    collaborative filtering", section 4.2), so that a perfect list scores 1 also where the truth is longer than k.

    Args:
        hits: (users, k), whether the item at each rank is in the user's truth.
        truth_sizes: (users,), number of items in each user's truth.

    Returns:
        (users,) values in [0, 1]; nan where the truth is empty, to be left out by `nanmean`.

    >>> recall(np.array([[True, False, True, False]]), np.array([3]))
    array([0.66666667])
    """
    reachable = np.minimum(hits.shape[1], truth_sizes)
    empty = np.full(len(hits), np.nan)
    values: NDArray[np.float64] = np.divide(hits.sum(axis=1), reachable, out=empty, where=reachable > 0)
    return values
