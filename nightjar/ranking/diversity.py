"""Lists that do not repeat themselves: maximal marginal relevance over a pool of each user's best items.

Pure; the one rule by which the Spark job score_users publishes and ml's evaluation judges.
"""

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors

# A list of k is chosen from the 5 k best: beyond them a recommendation is for variety's sake alone.
POOL_FACTOR = 5


def diversified(
    pool: NDArray[np.int64], scores: Vectors, units: Vectors, k: int, weight: float
) -> tuple[NDArray[np.int64], Vectors]:
    """Choose up to k items of each pool, one after the other, and return them with what they were chosen by.

    The next item is the one with the largest `(1 - weight) * relevance - weight * redundancy` (Carbonell and Goldstein
    1998, "The use of MMR"). Relevance is the score, brought to 0 to 1 within the pool; redundancy is the largest cosine
    to an item above, at least 0. So the first item stays the first, and the values never rise down a list.

    Args:
        pool: (users, n) item indices, best first, -1 in empty places at the end.
        scores: (users, n) float32, any number in empty places.
        units: (items, dim) float32 vectors of length 1; an item with a zero vector is never redundant.
        k: places of a list.
        weight: 0 ranks by score, 1 by redundancy alone.

    Returns:
        (users, k) item indices, -1 in empty places, and (users, k) float32 values; of equal ones the better score wins.
    """
    rows, is_left = np.arange(len(pool)), pool >= 0
    relevance, redundancy = _relevance(scores, is_left), np.zeros(pool.shape)
    chosen, values = np.full((len(pool), k), -1, np.int64), np.zeros((len(pool), k), np.float32)
    vectors = units[pool]
    for place in range(min(k, pool.shape[1])):
        value = np.where(is_left, (1 - weight) * relevance - weight * redundancy, -np.inf)
        best = value.argmax(axis=1)
        found = is_left[rows, best]
        chosen[:, place] = np.where(found, pool[rows, best], -1)
        values[:, place] = np.where(found, value[rows, best], 0)
        is_left[rows, best] = False
        redundancy = np.maximum(redundancy, np.einsum("und,ud->un", vectors, vectors[rows, best]))
    return chosen, values


def _relevance(scores: Vectors, is_item: NDArray[np.bool_]) -> NDArray[np.float64]:
    lowest = np.where(is_item, scores, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    highest = np.where(is_item, scores, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    span = np.where(highest > lowest, highest - lowest, 1.0)
    return np.where(is_item, (scores - lowest) / span, 0.0) if is_item.any() else np.zeros(scores.shape)
