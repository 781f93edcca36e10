"""The popularity weight: the factor of an item's mean score over all users (setting `popularity_weight`).

Pure; applied where factors become embeddings and where item-item weights are handed on, so that recommendations,
indices, exported embeddings and evaluation agree. Both parts of a score split into their mean over the users and a
user's difference from it; the weight multiplies the mean. LightFM's own item bias is only a part of it: the
mean user vector also points to the popular items.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.item_weights import ItemWeights


def biases_at_popularity_weight(
    user_vectors: Vectors, is_trained: NDArray[np.bool_], item_vectors: Vectors, biases: Vectors, weight: float
) -> Vectors:
    """Return item biases with which an item's mean score over the trained users is `weight` times what it was.

    With the mean user m: `(v - m) @ x + weight * (m @ x + b) = v @ x + (weight * b - (1 - weight) * m @ x)`.

    Args:
        user_vectors: (users, dim) float32.
        is_trained: (users,) whose mean counts.
        item_vectors: (items, dim) float32.
        biases: (items,) float32.
        weight: 0 to 1; 1 changes no bit.
    """
    if weight == 1 or not is_trained.any():
        return biases
    mean_user = user_vectors[is_trained].astype(np.float64).mean(axis=0)
    weighted: Vectors = (weight * biases - (1 - weight) * (item_vectors @ mean_user)).astype(np.float32)
    return weighted


def item_weights_at_popularity_weight(
    item_weights: ItemWeights | None, pairs: sparse.csr_matrix, weight: float
) -> ItemWeights | None:
    """Return item-item weights that subtract from each score a part of what an average history of the same size scores.

    Args:
        item_weights: as fitted; None: there are none.
        pairs: (users, items) float32 CSR that they were fitted on.
        weight: 0 to 1; 1 subtracts nothing.
    """
    if item_weights is None or weight == 1:
        return item_weights
    history = pairs.power(item_weights.history_exponent)
    fraction_of_history = np.asarray(history.sum(axis=0, dtype=np.float64)).ravel()
    fraction_of_history /= fraction_of_history.sum()
    average = item_weights.weights.T.astype(np.float64) @ fraction_of_history
    return replace(item_weights, average=((1 - weight) * average).astype(np.float32))
