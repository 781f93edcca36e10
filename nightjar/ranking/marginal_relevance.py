"""Diverse top-K lists: maximal marginal relevance over a pool of each user's best items.

Pure; used by the ranker.
"""

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors

# The pool holds the 5 k best: items beyond them add diversity without relevance.
POOL_FACTOR = 5


def diversified(
    pool: NDArray[np.int64], scores: Vectors, units: Vectors, k: int, weight: float
) -> tuple[NDArray[np.int64], Vectors]:
    """Choose up to k items of each pool, one after the other; return their places in it, and the values that decided.

    The next item is the one with the largest `(1 - weight) * relevance - weight * redundancy` (Carbonell and Goldstein
    1998, "The use of MMR"). Relevance is the score, scaled to 0 to 1 within the pool; redundancy is the largest cosine
    to an item chosen before, at least 0. So the first item stays first, and the values never rise with rank.

    Args:
        pool: (users, n) item indices, best first, -1 where it ends.
        scores: (users, n) float32, any number where the pool ends.
        units: (items, dim) float32 vectors of length 1; an item with a zero vector is never redundant.
        k: items to choose.
        weight: 0 ranks by score, 1 by redundancy alone.

    Returns:
        (users, k) places, from 0, -1 where the pool ends, and (users, k) float32 values; of equal values the better
        score wins.
    """
    rows, is_left = np.arange(len(pool)), pool >= 0
    relevance, redundancy = _relevance(scores, is_left), np.zeros(pool.shape)
    chosen, values = np.full((len(pool), k), -1, np.int64), np.zeros((len(pool), k), np.float32)
    vectors = units[pool]
    for rank in range(min(k, pool.shape[1])):
        value = np.where(is_left, (1 - weight) * relevance - weight * redundancy, -np.inf)
        best = value.argmax(axis=1)
        is_item = is_left[rows, best]
        chosen[:, rank] = np.where(is_item, best, -1)
        values[:, rank] = np.where(is_item, value[rows, best], 0)
        is_left[rows, best] = False
        redundancy = np.maximum(redundancy, np.einsum("und,ud->un", vectors, vectors[rows, best]))
    return chosen, values


def _relevance(scores: Vectors, is_item: NDArray[np.bool_]) -> NDArray[np.float64]:
    lowest = np.where(is_item, scores, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    highest = np.where(is_item, scores, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    span = np.where(highest > lowest, highest - lowest, 1.0)
    return np.where(is_item, scores - lowest, 0.0) / span if is_item.any() else np.zeros(scores.shape)
