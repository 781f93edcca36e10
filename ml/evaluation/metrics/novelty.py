"""Novelty: how unexpected the recommended items are."""

import numpy as np
from numpy.typing import NDArray


def novelty(exposures: NDArray[np.int64], train_users: NDArray[np.int64], user_count: int) -> float:
    """Mean self-information of the recommended items in bits: -log2(users of the item / all users).

    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma". An item without users counts as if it had
    one, because nothing can be infinitely novel.

    Args:
        exposures: (candidates,), how many users each candidate item is recommended to.
        train_users: (candidates,), users of each candidate item in the training data.
        user_count: users in the training data.

    Returns:
        A value in [0, log2(user_count)]; nan without recommendations or without training users.

    >>> novelty(np.array([1, 1]), np.array([8, 2]), 8)  # (0 + 2) / 2
    1.0
    """
    if exposures.sum() == 0 or user_count == 0:
        return float("nan")
    bits = np.log2(user_count) - np.log2(np.maximum(train_users, 1))
    return float((exposures * bits).sum() / exposures.sum())
