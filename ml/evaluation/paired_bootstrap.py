"""Confidence intervals of means over users, by resampling the users.

Pure; used by the gate on the differences between two models that were evaluated on the same users.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

RESAMPLES = 1_000
_BLOCK_CELLS = 2_000_000


def mean_intervals(values: NDArray[np.float64], confidence: float, seed: int) -> NDArray[np.float64]:
    """Two-sided bootstrap interval of the mean over users of each column (Efron and Tibshirani 1993, chapter 13).

    All columns see the same resamples. The percentiles are expanded for few users (Hesterberg 2015, "What teachers
    should know about the bootstrap", section 3.1): plain ones are too narrow by sqrt((n - 1) / n) and by the normal
    in place of the t distribution.

    Args:
        values: (users, columns), finite; for a paired comparison the differences of the same users.
        confidence: fraction of the intervals that hold the true mean, in (0, 1).
        seed: of the resamples.

    Returns:
        (columns, 2) lower and upper end; infinite for fewer than two users.
    """
    users, columns = values.shape
    if users < 2:
        return np.tile([-np.inf, np.inf], (columns, 1))
    random = np.random.default_rng(seed)
    size = max(1, _BLOCK_CELLS // users)
    means = np.concatenate(
        [_resampled_means(values, min(size, RESAMPLES - start), random) for start in range(0, RESAMPLES, size)]
    )
    tail = ndtr(np.sqrt(users / (users - 1)) * stdtrit(users - 1, (1 - confidence) / 2))
    intervals: NDArray[np.float64] = np.quantile(means, [tail, 1 - tail], axis=0).T
    return intervals


def _resampled_means(values: NDArray[np.float64], resamples: int, random: np.random.Generator) -> NDArray[np.float64]:
    users = len(values)
    drawn = random.integers(users, size=(resamples, users), dtype=np.int32)
    return np.column_stack([column[drawn].mean(axis=1) for column in values.T])
