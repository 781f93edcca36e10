"""Training data of a few users and items, of which a test writes down what it is about."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ml.data.training_data import TrainingData


def training_data(
    train: sparse.csr_matrix,
    *,
    holdout: sparse.csr_matrix | None = None,
    full: sparse.csr_matrix | None = None,
    tags: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    is_available: Sequence[bool] | None = None,
    **given: Any,
) -> TrainingData:
    """Return data whose users u0, u1, ... carry identities, and whose items i0, i1, ... carry a tag each.

    Args:
        train: (users, items) CSR.
        holdout: the same shape; None: nothing is held out.
        full: the same shape; None: `train`.
        tags: (items,) a letter each; None: items carry identities.
        domains: (items,); None: all are of domain d.
        is_available: (items,); None: all are.
        given: other fields of `TrainingData`.
    """
    users, items = train.shape
    nothing = sparse.csr_matrix(train.shape, dtype=np.float32)
    names = [f"id:i{item}" for item in range(items)] if tags is None else [f"tag:{tag}" for tag in tags]
    features, of_items = np.unique(np.array(names, object), return_inverse=True)
    fields: dict[str, Any] = {
        "user_ids": np.array([f"u{user}" for user in range(users)], object),
        "item_ids": np.array([f"i{item}" for item in range(items)], object),
        "item_domains": np.array(domains or ["d"] * items, object),
        "is_available": np.array(is_available or [True] * items, np.bool_),
        "full": train if full is None else full,
        "train": train,
        "holdout": nothing if holdout is None else holdout,
        "fold_in_recency": nothing,
        "user_features": sparse.identity(users, np.float32, "csr"),
        "item_features": sparse.csr_matrix(np.eye(len(features), dtype=np.float32)[of_items]),
        "user_feature_names": np.array([f"id:u{user}" for user in range(users)], object),
        "item_feature_names": features,
    }
    return TrainingData(**fields | given)
