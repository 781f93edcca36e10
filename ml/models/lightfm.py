"""Fits LightFM: factors of user and item features, and the embeddings that they add up to.

Used by the stages evaluate_model and fit_model. One shard is trained by LightFM itself, several by `sharded_fit`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.models.sharded_fit import ShardedFit, shards_of
from ml.models.warp import Hyperparameters, OneShard, Parameters
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings


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
    on_epoch: Callable[[Epoch], bool | None],
    checkpoint: WarmStartCheckpoint | None = None,
    folder: Path | None = None,
) -> WarmStartCheckpoint:
    """Fit LightFM with the WARP loss (Kula 2015; Weston et al. 2011) and return (user factors, item factors).

    Only items that occur in a pair are drawn as negatives: an item without events is not disliked.

    Args:
        pairs: (users, items) float32, weight > 0 of each positive pair.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32.
        settings: dimension, epochs, learning rate, penalties, shards, workers, threads and seed.
        on_epoch: called after each epoch; True ends the fit.
        checkpoint: of an earlier fit, for the same features, zero where it has none; None: train from scratch.
        folder: below which a training on Spark exchanges files with its tasks; None: this machine trains.

    Returns:
        Factors of all features, all zero where there is no pair.

    Raises:
        NightjarError: training diverged, or a process of it was killed, or Spark failed.
    """
    users, items = _occurring(pairs, 1), _occurring(pairs, 0)
    if len(users) == 0:
        return _zero_factors(user_features, settings), _zero_factors(item_features, settings)
    of_users, of_items = user_features[users].astype(np.float32), item_features[items].astype(np.float32)
    began, count = time.monotonic(), epochs_of(settings, pairs.nnz, checkpoint)
    with _training(pairs[users][:, items], of_users, of_items, settings, checkpoint, folder) as training:
        for number in range(1, count + 1):
            started = time.monotonic()
            try:
                training.train_epoch(number)
            except ValueError as error:
                raise NightjarError(
                    f"training diverged in epoch {number}: lower NIGHTJAR_LEARNING_RATE",
                    code="training_diverged",
                    epoch=number,
                    setting="NIGHTJAR_LEARNING_RATE",
                ) from error
            ended = time.monotonic()
            of_sides = zip((of_users, of_items), training.parameters(), strict=True)
            user_factors, item_factors = (_carried(features, parameters) for features, parameters in of_sides)
            if on_epoch(Epoch(number, count, ended - started, ended - began, user_factors, item_factors)):
                break
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


@contextmanager
def _training(
    pairs: sparse.csr_matrix,
    user_features: sparse.csr_matrix,
    item_features: sparse.csr_matrix,
    settings: Settings,
    checkpoint: WarmStartCheckpoint | None,
    folder: Path | None,
) -> Iterator[OneShard | ShardedFit]:
    inputs = pairs, user_features, item_features
    given = Hyperparameters(*(getattr(settings, name) for name in Hyperparameters._fields))
    one = OneShard(*inputs, given, settings.train_threads)
    if checkpoint is not None:
        for side, features, factors in zip(one.parameters(), (user_features, item_features), checkpoint, strict=True):
            _warm_start(side, features, factors)
    shards = shards_of(settings, pairs.nnz, *pairs.shape)
    if shards == 1:
        yield one
        return
    start = one.parameters()
    # With its copy of the pairs.
    del one
    with ShardedFit(shards, *inputs, *start, given, settings, folder) as sharded:
        yield sharded


def _occurring(pairs: sparse.csr_matrix, axis: int) -> NDArray[np.int64]:
    return np.flatnonzero(pairs.getnnz(axis=axis)).astype(np.int64)


def _zero_factors(features: sparse.csr_matrix, settings: Settings) -> FactorsWithGradients:
    vectors = np.zeros((features.shape[1], settings.embedding_dim), np.float32)
    biases = np.zeros(features.shape[1], np.float32)
    return FactorsWithGradients(vectors, biases, vectors, biases)


def _warm_start(side: Parameters, features: sparse.csr_matrix, factors: FactorsWithGradients) -> None:
    rows = np.flatnonzero(factors.is_trained & (features.getnnz(axis=0) > 0))
    for name, part in side._asdict().items():
        part[rows] = getattr(factors, name)[rows]


def _carried(features: sparse.csr_matrix, side: Parameters) -> FactorsWithGradients:
    # Features that no training row carries still hold their random initial numbers.
    carried = features.getnnz(axis=0) > 0
    return FactorsWithGradients(
        *(np.where(carried if part.ndim == 1 else carried[:, None], part, np.float32(0)) for part in side)
    )
