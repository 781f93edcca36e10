"""Top share: how much of all exposure the most shown hundredth of the catalogue gets."""

import math

import numpy as np
from numpy.typing import NDArray

TOP = 0.01


def top_share(exposures: NDArray[np.int64]) -> float:
    """Exposures of the most exposed 1 % of the candidate items (rounded up) / all exposures.

    The top items are those of the measured exposures, as in Anderson et al. 2006, "The Long Tail". It measures how
    concentrated exposure is, as Gini does of the whole curve.

    Args:
        exposures: (candidates,), how many users each candidate item is recommended to.

    Returns:
        A value in (0, 1]; nan without candidates or without recommendations.

    >>> top_share(np.array([6, 0, 3, 1]))  # the first of four items
    0.6
    """
    if exposures.sum() == 0:
        return float("nan")
    count = math.ceil(TOP * len(exposures))
    return float(np.sort(exposures)[-count:].sum() / exposures.sum())
