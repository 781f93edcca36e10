"""The peers that rank by sets of items, each event weighed by its recency rank where its choices say so."""

from collections.abc import Callable

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from benchmarks.quality.evaluation import Scorer
from benchmarks.quality.events import Events
from ml.models.lightfm import fit, represent
from nightjar.contract.settings import Settings

SEED = 20260101
FACTORS = 64
_DAY_MICROS = 86_400_000_000


def popularity(train: Events) -> Callable[[], Scorer]:
    """Rank items by their number of users."""
    return _same_for_all(train.matrix().getnnz(axis=0))


def recent_popularity(train: Events, days: float) -> Callable[[], Scorer]:
    """Rank items by their number of users in the newest days."""
    return popularity(train.where(train.micros > train.micros.max() - days * _DAY_MICROS))


def als(train: Events, regularization: float, alpha: float, fit_power: float) -> Callable[[], Scorer]:
    """Implicit ALS (Hu, Koren and Volinsky 2008)."""
    model = AlternatingLeastSquares(
        factors=FACTORS,
        regularization=regularization,
        alpha=alpha,
        iterations=15,
        random_state=SEED,
        num_threads=1,
    )
    model.fit(train.matrix(fit_power), show_progress=False)
    return _by_factors(model.user_factors, model.item_factors)


def bpr(train: Events, learning_rate: float, iterations: int) -> Callable[[], Scorer]:
    """Bayesian personalised ranking (Rendle et al. 2009)."""
    model = BayesianPersonalizedRanking(
        factors=FACTORS,
        learning_rate=learning_rate,
        regularization=0.02,
        iterations=iterations,
        random_state=SEED,
        num_threads=1,
    )
    model.fit(train.matrix(), show_progress=False)
    return _by_factors(model.user_factors, model.item_factors)


def item_knn(train: Events, neighbours: int, fit_power: float) -> Callable[[float], Scorer]:
    """Item kNN on cosines."""
    model = CosineRecommender(K=neighbours, num_threads=1)
    model.fit(train.matrix(fit_power), show_progress=False)
    return _by_similarity(train, model.similarity)


def bm25(train: Events, neighbours: int, b: float, fit_power: float) -> Callable[[float], Scorer]:
    """Item kNN on BM25 weights."""
    model = BM25Recommender(K=neighbours, K1=1.2, B=b, num_threads=1)
    model.fit(train.matrix(fit_power), show_progress=False)
    return _by_similarity(train, model.similarity)


def ease(train: Events, ridge: float, fit_power: float) -> Callable[[float], Scorer]:
    """EASE (Steck 2019), unpruned."""
    weights = ease_weights(train.matrix(fit_power), ridge)

    def ranked(history_power: float) -> Scorer:
        history = train.matrix(history_power)
        return lambda rows: history[rows] @ weights

    return ranked


def ease_weights(pairs: sparse.csr_matrix, ridge: float) -> NDArray[np.float32]:
    """Return (items, items): with P = (X'X + ridge I)^-1 the weights are -P_ij / P_jj, 0 where i = j."""
    weights = inverse(pairs.T @ pairs, ridge)
    weights /= -np.diag(weights)
    np.fill_diagonal(weights, 0)
    return weights


def inverse(gram: sparse.spmatrix, ridge: float) -> NDArray[np.float32]:
    """Return (gram + ridge I)^-1 by its Cholesky factor.

    Args:
        gram: (n, n) symmetric, positive semidefinite.
        ridge: above 0.

    Raises:
        LinAlgError: the sum is not positive definite in single precision.
    """
    dense = np.asfortranarray(gram.toarray(), np.float32)
    dense[np.diag_indices_from(dense)] += np.float32(ridge)
    factor, failed = lapack.spotrf(dense, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"not positive definite with ridge {ridge}")
    lower, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(lower)
    return lower + np.tril(lower, -1).T


def lightfm(train: Events, epochs: int) -> Callable[[], Scorer]:
    """LightFM with the WARP loss (Kula 2015), identities only, every event the same."""
    pairs = train.matrix()
    settings = Settings(
        epochs=epochs, learning_rate=0.05, embedding_dim=FACTORS, max_sampled=10, seed=SEED, train_threads=1
    )
    of_users, of_items = (sparse.identity(size, np.float32, "csr") for size in pairs.shape)
    user_factors, item_factors = fit(pairs, of_users, of_items, settings, lambda epoch: None)
    users, _ = represent(of_users, user_factors)
    items, biases = represent(of_items, item_factors)
    return lambda: lambda rows: users[rows] @ items.T + biases


def _same_for_all(scores: NDArray[np.int64]) -> Callable[[], Scorer]:
    of_items = scores.astype(np.float32)
    return lambda: lambda rows: np.broadcast_to(of_items, (len(rows), len(of_items)))


def _by_factors(users: NDArray[np.float32], items: NDArray[np.float32]) -> Callable[[], Scorer]:
    return lambda: lambda rows: users[rows] @ items.T


def _by_similarity(train: Events, similarity: sparse.csr_matrix) -> Callable[[float], Scorer]:
    weights = similarity.astype(np.float32)

    def ranked(history_power: float) -> Scorer:
        history = train.matrix(history_power)
        return lambda rows: (history[rows] @ weights).toarray()

    return ranked
