"""Hit rate@k: whether any recommended item is in the truth."""

import numpy as np
from numpy.typing import NDArray


def hit_rate(hits: NDArray[np.bool_], truth_sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Hit rate@k of each user: 1 if any recommended item is in the truth, else 0 (Deshpande and Karypis 2004).

    Args:
        hits: (users, k), whether the item at each rank is in the user's truth.
        truth_sizes: (users,), number of items in each user's truth.

    Returns:
        (users,) values 0 or 1; nan where the truth is empty, to be left out by `nanmean`.

    >>> hit_rate(np.array([[False, True], [False, False]]), np.array([1, 1]))
    array([1., 0.])
    """
    values: NDArray[np.float64] = np.where(truth_sizes > 0, hits.any(axis=1).astype(np.float64), np.nan)
    return values
