"""Catalogue coverage: the fraction of the candidate items that is recommended to anyone."""

import numpy as np
from numpy.typing import NDArray


def coverage(exposures: NDArray[np.int64]) -> float:
    """Distinct recommended items / candidate items (Ge et al. 2010, "Beyond accuracy").

    Args:
        exposures: (candidates,), how many users each candidate item is recommended to.

    Returns:
        A value in [0, 1]; nan without candidates or without recommendations.

    >>> coverage(np.array([3, 0, 1, 0]))
    0.5
    """
    if exposures.sum() == 0:
        return float("nan")
    return float(np.count_nonzero(exposures) / len(exposures))
