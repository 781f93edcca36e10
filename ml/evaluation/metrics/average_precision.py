"""Average precision@k: precision at the rank of every hit; its mean over users is MAP@k."""

import numpy as np
from numpy.typing import NDArray


def average_precision(hits: NDArray[np.bool_], truth_sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """AP@k of each user: sum over hits at rank r of precision@r, / min(k, |truth|).

    The divisor counts the hits that were possible within k (Manning et al. 2008, "Introduction to IR", section 8.4,
    cut at k), so that a perfect list scores 1.

    Args:
        hits: (users, k), whether the item at each rank is in the user's truth.
        truth_sizes: (users,), number of items in each user's truth.

    Returns:
        (users,) values in [0, 1]; nan where the truth is empty, to be left out by `nanmean`.

    >>> average_precision(np.array([[True, False, True, False]]), np.array([2]))  # (1/1 + 2/3) / 2
    array([0.83333333])
    """
    precision_at_rank = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    reachable = np.minimum(hits.shape[1], truth_sizes)
    gained = (precision_at_rank * hits).sum(axis=1)
    empty = np.full(len(hits), np.nan)
    values: NDArray[np.float64] = np.divide(gained, reachable, out=empty, where=reachable > 0)
    return values
