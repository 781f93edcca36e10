"""Gini of exposure: how unevenly the recommendations spread over the candidate items."""

import numpy as np
from numpy.typing import NDArray


def gini(exposures: NDArray[np.int64]) -> float:
    """Gini coefficient of the exposures: sum over i of (2i - n - 1) x_i / (n sum x), x ascending, i from 1.

    All candidate items count, also those recommended to nobody (Castells et al., "Novelty and diversity in recommender
    systems", Recommender Systems Handbook, 2015). 0: all items are recommended equally often; (n-1)/n: one item is
    everybody's only recommendation.

    Args:
        exposures: (candidates,), how many users each candidate item is recommended to.

    Returns:
        A value in [0, 1); nan without candidates or without recommendations.

    >>> gini(np.array([0, 0, 0, 8]))
    0.75
    """
    total = exposures.sum()
    if total == 0:
        return float("nan")
    count = len(exposures)
    weights = 2 * np.arange(1, count + 1) - count - 1
    return float((weights * np.sort(exposures)).sum() / (count * total))
