"""The popularity weight: the factor of an item's mean score over all users (setting `popularity_weight`).

Pure; applied where factors become embeddings and where item-item weights are handed on, so that recommendations,
indices, exported embeddings and evaluation agree. Both parts of a score split into their mean over the users and a
user's difference from it; the weight multiplies the mean. LightFM's own item bias is only a part of it: the
mean user vector also points to the popular items.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.sources import Fitted, History, ItemScores, ItemWeights, VectorSource


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


def at_popularity_weight(fitted: Fitted, history: History, weight: float) -> Fitted:
    """Return a source that subtracts from each score a part of what it gives the average user.

    Item weights subtract what an average history of the same size scores, vectors what the mean user does. Item scores
    stay as they are: they are the mean over all users and nothing else.

    Args:
        fitted: the source.
        history: of the users that it was fitted on.
        weight: 0 to 1; 1 subtracts nothing.
    """
    if weight == 1:
        return fitted
    match fitted:
        case ItemWeights():
            weighed = fitted.history.weighed(history)
            fraction_of_history = np.asarray(weighed.sum(axis=0, dtype=np.float64)).ravel()
            fraction_of_history /= fraction_of_history.sum()
            average = fitted.weights.T.astype(np.float64) @ fraction_of_history
            return replace(fitted, average=((1 - weight) * average).astype(np.float32))
        case VectorSource():
            is_trained = history.weights.getnnz(axis=1) > 0
            arrays = (fitted.user_vectors, is_trained, fitted.item_vectors, fitted.item_biases)
            return replace(fitted, item_biases=biases_at_popularity_weight(*arrays, weight))
        case ItemScores():
            return fitted
