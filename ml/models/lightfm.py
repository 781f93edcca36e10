"""Fits LightFM: factors of user and item features, and the embeddings that they add up to.

The only module that imports lightfm. Used by the stages evaluate_model and fit_model.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings

# LightFM's own names of its arrays of one side, in the order of the fields of `FactorsWithGradients`.
_PARTS = ("embeddings", "biases", "embedding_gradients", "bias_gradients")


@dataclass(frozen=True)
class Factors:
    """Trained factors of the features of one side (users or items).

    Attributes:
        vectors: (features, dim) float32; a feature that no training user (item) carries is zero.
        biases: (features,) float32, same.
    """

    vectors: Vectors
    biases: Vectors

    @property
    def is_trained(self) -> NDArray[np.bool_]:
        """(features,) whether a training user (item) carries the feature."""
        return np.asarray(self.vectors.any(axis=1))


@dataclass(frozen=True)
class FactorsWithGradients(Factors):
    """Factors from which another fit can be warm-started.

    Attributes:
        vector_gradients: (features, dim) float32, sums of squared gradients: the larger, the smaller the next step.
        bias_gradients: (features,) float32, same.
    """

    vector_gradients: Vectors
    bias_gradients: Vectors


# Of the user and the item features.
WarmStartCheckpoint = tuple[FactorsWithGradients, FactorsWithGradients]


@dataclass(frozen=True)
class Epoch:
    """One finished pass over the training pairs.

    Attributes:
        number: from 1.
        count: epochs of the training.
        seconds: wall seconds of the pass.
        elapsed: wall seconds since the first one began, work between epochs included.
        users: factors after it.
        items: factors after it.
    """

    number: int
    count: int
    seconds: float
    elapsed: float
    users: Factors
    items: Factors

    def line(self, pairs: int) -> str:
        """The epoch in words: number of how many, seconds, training pairs a second, seconds left to the last one."""
        rate, left = pairs / max(self.seconds, 1e-9), self.elapsed / self.number * (self.count - self.number)
        return f"epoch {self.number}/{self.count}: {self.seconds:.2f} s, {rate:,.0f} pairs/s, {left:.0f} s left"


def fit(
    pairs: sparse.csr_matrix,
    user_features: sparse.csr_matrix,
    item_features: sparse.csr_matrix,
    settings: Settings,
    on_epoch: Callable[[Epoch], None],
    checkpoint: WarmStartCheckpoint | None = None,
) -> WarmStartCheckpoint:
    """FittedFactors LightFM with the WARP loss (Kula 2015; Weston et al. 2011) and return (user factors, item factors).

    Only items that occur in a pair are drawn as negatives: an item without events is not disliked.

    Args:
        pairs: (users, items) float32, weight > 0 of each positive pair.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32.
        settings: dimension, epochs, learning rate, penalties, threads and seed.
        on_epoch: called after each epoch.
        checkpoint: of an earlier fit, for the same features, zero where it has none; None: train from scratch.

    Returns:
        Factors of all features, all zero where there is no pair.

    Raises:
        NightjarError: training diverged.
    """
    users, items = _occurring(pairs, 1), _occurring(pairs, 0)
    if len(users) == 0:
        return _zero_factors(user_features, settings), _zero_factors(item_features, settings)
    interactions, weights = _lightfm_inputs(pairs[users][:, items])
    of_users, of_items = user_features[users].astype(np.float32), item_features[items].astype(np.float32)
    model = _untrained(settings)
    if checkpoint is not None:
        # No epoch at all: every feature gets its initial numbers.
        model.fit_partial(interactions, of_users, of_items, weights, epochs=0)
        _warm_start(model, "user", of_users, checkpoint[0])
        _warm_start(model, "item", of_items, checkpoint[1])
    began, count = time.monotonic(), epochs_of(settings, pairs.nnz, checkpoint)
    for number in range(1, count + 1):
        started = time.monotonic()
        try:
            # LightFM's own check finds what overflows here, and raises the error below.
            with np.errstate(over="ignore", invalid="ignore"):
                model.fit_partial(interactions, of_users, of_items, weights, num_threads=settings.train_threads)
        except ValueError as error:
            raise NightjarError(
                f"training diverged in epoch {number}: lower NIGHTJAR_LEARNING_RATE",
                code="training_diverged",
                epoch=number,
                setting="NIGHTJAR_LEARNING_RATE",
            ) from error
        ended = time.monotonic()
        user_factors, item_factors = _carried(of_users, model, "user"), _carried(of_items, model, "item")
        on_epoch(Epoch(number, count, ended - started, ended - began, user_factors, item_factors))
    return user_factors, item_factors


def epochs_of(settings: Settings, pairs: int, checkpoint: WarmStartCheckpoint | None) -> int:
    """Return the epochs of a fit on so many pairs: fewer for more pairs, at least one."""
    epochs = settings.epochs if checkpoint is None else settings.warm_start_epochs
    return max(1, min(epochs, settings.max_train_pairs // max(1, pairs)))


def represent(features: sparse.csr_matrix, factors: Factors) -> tuple[Vectors, Vectors]:
    """Sum the factors of each row's features: (rows, dim) vectors and (rows,) biases, float32.

    Raises:
        NightjarError: a sum is not finite.
    """
    vectors, biases = features @ factors.vectors, features @ factors.biases
    if not (np.isfinite(vectors).all() and np.isfinite(biases).all()):
        raise NightjarError(
            "the embeddings are not finite: lower NIGHTJAR_MAX_FEATURE_WEIGHT or the learning rate",
            code="not_finite",
            setting="NIGHTJAR_MAX_FEATURE_WEIGHT",
        )
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


def _zero_factors(features: sparse.csr_matrix, settings: Settings) -> FactorsWithGradients:
    vectors = np.zeros((features.shape[1], settings.embedding_dim), np.float32)
    biases = np.zeros(features.shape[1], np.float32)
    return FactorsWithGradients(vectors, biases, vectors, biases)


def _warm_start(model: LightFM, side: str, features: sparse.csr_matrix, factors: FactorsWithGradients) -> None:
    rows = np.flatnonzero(factors.is_trained & (features.getnnz(axis=0) > 0))
    for name, values in zip(_PARTS, _parts_of(factors), strict=True):
        getattr(model, f"{side}_{name}")[rows] = values[rows]


def _parts_of(factors: FactorsWithGradients) -> tuple[Vectors, Vectors, Vectors, Vectors]:
    return factors.vectors, factors.biases, factors.vector_gradients, factors.bias_gradients


def _carried(features: sparse.csr_matrix, model: LightFM, side: str) -> FactorsWithGradients:
    # Features that no training row carries still hold their random initial numbers.
    carried = features.getnnz(axis=0) > 0
    parts = (getattr(model, f"{side}_{name}") for name in _PARTS)
    return FactorsWithGradients(
        *(np.where(carried if part.ndim == 1 else carried[:, None], part, np.float32(0)) for part in parts)
    )
