"""Catalogue coverage: which share of the candidate items appears in anybody's list."""

import numpy as np
from numpy.typing import NDArray


def coverage(exposures: NDArray[np.int64]) -> float:
    """Distinct items in all lists / candidate items (Ge et al. 2010, "Beyond accuracy").

    Args:
        exposures: (candidates,), in how many lists each candidate item stands.

    Returns:
        A value in [0, 1]; nan without candidates or without any list.

    >>> coverage(np.array([3, 0, 1, 0]))
    0.5
    """
    if exposures.sum() == 0:
        return float("nan")
    return float(np.count_nonzero(exposures) / len(exposures))
