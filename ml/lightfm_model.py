"""LightFM behind one door: fits factors of user and item features, and sums them to vectors.

The only module that imports lightfm. Used by the stages evaluate_model and fit_model.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import sparse

from warehouse.embeddings import Vectors
from warehouse.errors import NightjarError
from warehouse.settings import Settings


@dataclass(frozen=True)
class Factors:
    """What the features of one side (users or items) have learned.

    Attributes:
        vectors: (features, dim) float32; a feature that no training user (item) carries is zero.
        biases: (features,) float32, same.
    """

    vectors: Vectors
    biases: Vectors


@dataclass(frozen=True)
class Epoch:
    """One finished pass over the training pairs: its number from 1, its wall seconds, the factors after it."""

    number: int
    seconds: float
    users: Factors
    items: Factors

    def line(self, epochs: int, pairs: int) -> str:
        """The epoch in words: number of how many, seconds, training pairs a second."""
        return f"epoch {self.number}/{epochs}: {self.seconds:.2f} s, {pairs / max(self.seconds, 1e-9):,.0f} pairs/s"


def fit(
    pairs: sparse.csr_matrix,
    user_features: sparse.csr_matrix,
    item_features: sparse.csr_matrix,
    settings: Settings,
    on_epoch: Callable[[Epoch], None],
) -> tuple[Factors, Factors]:
    """Fit LightFM with the WARP loss (Kula 2015; Weston et al. 2011) and return (user factors, item factors).

    Only items that occur in a pair are drawn as negatives: an item nobody has met yet is not disliked.

    Args:
        pairs: (users, items) float32, weight > 0 of each positive pair.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32.
        settings: dimension, epochs, learning rate, penalties, threads and seed.
        on_epoch: called after each epoch.

    Returns:
        Factors of all features, all zero where there is no pair.

    Raises:
        NightjarError: training diverged.
    """
    users, items = _occurring(pairs, 1), _occurring(pairs, 0)
    if len(users) == 0:
        return _nothing(user_features, settings), _nothing(item_features, settings)
    interactions, weights = _lightfm_inputs(pairs[users][:, items])
    of_users, of_items = user_features[users].astype(np.float32), item_features[items].astype(np.float32)
    model = _untrained(settings)
    for number in range(1, settings.epochs + 1):
        started = time.monotonic()
        try:
            # What overflows here is found by LightFM's own check, and is the error below.
            with np.errstate(over="ignore", invalid="ignore"):
                model.fit_partial(interactions, of_users, of_items, weights, num_threads=settings.train_threads)
        except ValueError as error:
            raise NightjarError(f"training diverged in epoch {number}: lower NIGHTJAR_LEARNING_RATE") from error
        seconds = time.monotonic() - started
        user_factors = _carried(of_users, model.user_embeddings, model.user_biases)
        item_factors = _carried(of_items, model.item_embeddings, model.item_biases)
        on_epoch(Epoch(number, seconds, user_factors, item_factors))
    return user_factors, item_factors


def represent(features: sparse.csr_matrix, factors: Factors) -> tuple[Vectors, Vectors]:
    """Sum the factors of each row's features: (rows, dim) vectors and (rows,) biases, float32.

    Raises:
        NightjarError: a sum is not finite.
    """
    vectors, biases = features @ factors.vectors, features @ factors.biases
    if not (np.isfinite(vectors).all() and np.isfinite(biases).all()):
        raise NightjarError("the embeddings are not finite: lower NIGHTJAR_MAX_FEATURE_WEIGHT or the learning rate")
    return np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(biases, dtype=np.float32)


def _untrained(settings: Settings) -> LightFM:
    return LightFM(
        no_components=settings.embedding_dim,
        loss="warp",
        learning_rate=settings.learning_rate,
        item_alpha=settings.item_alpha,
        user_alpha=settings.user_alpha,
        max_sampled=settings.max_sampled,
        random_state=settings.seed,
    )


def _occurring(pairs: sparse.csr_matrix, axis: int) -> NDArray[np.int64]:
    return np.flatnonzero(pairs.getnnz(axis=axis)).astype(np.int64)


def _lightfm_inputs(pairs: sparse.csr_matrix) -> tuple[sparse.coo_matrix, sparse.coo_matrix]:
    weights = pairs.tocoo().astype(np.float32)
    ones = np.ones_like(weights.data)
    return sparse.coo_matrix((ones, (weights.row, weights.col)), shape=weights.shape), weights


def _nothing(features: sparse.csr_matrix, settings: Settings) -> Factors:
    count = features.shape[1]
    return Factors(np.zeros((count, settings.embedding_dim), np.float32), np.zeros(count, np.float32))


def _carried(features: sparse.csr_matrix, vectors: Vectors, biases: Vectors) -> Factors:
    # What no training row carries still holds the random numbers it was born with.
    carried = features.getnnz(axis=0) > 0
    return Factors(np.where(carried[:, None], vectors, np.float32(0)), np.where(carried, biases, np.float32(0)))
