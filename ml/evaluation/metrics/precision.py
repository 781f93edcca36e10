"""Precision@k: the fraction of the recommendations that is in the truth."""

import numpy as np
from numpy.typing import NDArray


def precision(hits: NDArray[np.bool_], truth_sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Precision@k of each user: hits / k (Manning et al. 2008, "Introduction to IR", section 8.4).

    The divisor is k also where the list is shorter: a missing recommendation is no hit.

    Args:
        hits: (users, k), whether the item at each rank is in the user's truth.
        truth_sizes: (users,), number of items in each user's truth.

    Returns:
        (users,) values in [0, 1]; nan where the truth is empty, to be left out by `nanmean`.

    >>> precision(np.array([[True, False, True, False]]), np.array([3]))
    array([0.5])
    """
    values: NDArray[np.float64] = np.where(truth_sizes > 0, hits.sum(axis=1) / hits.shape[1], np.nan)
    return values
