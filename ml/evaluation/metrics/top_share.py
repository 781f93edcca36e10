"""Share of the top items: how much of all exposure the most shown hundredth of the catalogue gets."""

import math

import numpy as np
from numpy.typing import NDArray

TOP = 0.01


def top_share(exposures: NDArray[np.int64]) -> float:
    """Exposures of the most exposed 1 % of the candidate items (rounded up) / all exposures.

    Each list of exposures has its own top items, as in Anderson et al. 2006, "The Long Tail": it says how concentrated
    they are, as Gini does, where Gini looks at the whole curve.

    Args:
        exposures: (candidates,), in how many lists each candidate item stands.

    Returns:
        A value in (0, 1]; nan without candidates or without any list.

    >>> top_share(np.array([6, 0, 3, 1]))  # the first of four items
    0.6
    """
    if exposures.sum() == 0:
        return float("nan")
    count = math.ceil(TOP * len(exposures))
    return float(np.sort(exposures)[-count:].sum() / exposures.sum())
