"""Average popularity: how many of all users already have the recommended items."""

import numpy as np
from numpy.typing import NDArray


def average_popularity(exposures: NDArray[np.int64], train_users: NDArray[np.int64], user_count: int) -> float:
    """Mean over all exposures of the item's fraction of the training users.

    The average recommendation popularity of Abdollahpouri et al. 2019, "Managing popularity bias in recommender
    systems with personalized re-ranking", over recommendations instead of users, and as a fraction to compare runs by.

    Args:
        exposures: (candidates,), how many users each candidate item is recommended to.
        train_users: (candidates,), users of each candidate item in the training data.
        user_count: users in the training data.

    Returns:
        A value in [0, 1]; nan without recommendations or without training users.

    >>> average_popularity(np.array([3, 1]), np.array([8, 4]), 8)  # (3 * 1 + 1 * 0.5) / 4
    0.875
    """
    if exposures.sum() == 0 or user_count == 0:
        return float("nan")
    return float((exposures * (train_users / user_count)).sum() / exposures.sum())
