"""Other models to compare with. Each peer is tuned on the same validation window as Nightjar, over its grid.

A peer is a function of the training events and one choice of its grid that returns a scorer: user numbers ->
(rows, items) scores. One thread and a fixed seed, so that two runs agree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.evaluation import Scorer
from benchmarks.quality.events import Events
from ml.models.lightfm import fit, represent
from nightjar.contract.settings import Settings

SEED = 20260101


@dataclass(frozen=True)
class Peer:
    """One model: how it is fitted, and the grid of its choices."""

    name: str
    fit: Callable[..., Scorer]
    grid: dict[str, list[Any]] = field(default_factory=dict)

    def choices(self) -> list[dict[str, Any]]:
        """All combinations of the grid."""
        return [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]


def popularity(train: Events) -> Scorer:
    """Rank items by their number of users."""
    counts = train.matrix().getnnz(axis=0).astype(np.float32)
    return lambda rows: np.broadcast_to(counts, (len(rows), len(counts)))


def als(train: Events, factors: int, regularization: float, alpha: float, power: float, iterations: int = 15) -> Scorer:
    """Implicit ALS (Hu, Koren and Volinsky 2008); `power` weighs events by recency rank."""
    model = AlternatingLeastSquares(
        factors=factors,
        regularization=regularization,
        alpha=alpha,
        iterations=iterations,
        random_state=SEED,
        num_threads=1,
    )
    model.fit(train.matrix(power), show_progress=False)
    return _by_factors(model.user_factors, model.item_factors)


def bpr(train: Events, factors: int, learning_rate: float, regularization: float, iterations: int) -> Scorer:
    """Bayesian personalised ranking (Rendle et al. 2009)."""
    model = BayesianPersonalizedRanking(
        factors=factors,
        learning_rate=learning_rate,
        regularization=regularization,
        iterations=iterations,
        random_state=SEED,
        num_threads=1,
    )
    model.fit(train.matrix(), show_progress=False)
    return _by_factors(model.user_factors, model.item_factors)


def bm25(train: Events, neighbours: int, k1: float, b: float) -> Scorer:
    """Item kNN on BM25 weights."""
    pairs = train.matrix()
    model = BM25Recommender(K=neighbours, K1=k1, B=b, num_threads=1)
    model.fit(pairs, show_progress=False)
    similarity = model.similarity.astype(np.float32)
    return lambda rows: (pairs[rows] @ similarity).toarray()


def ease(train: Events, ridge: float, fit_power: float, history_power: float) -> Scorer:
    """EASE (Steck 2019), unpruned; events weighted by recency rank in the fit and in the user's history.

    With P = (X'X + ridge I)^-1 and history h the score of an item i that is not in h is -(h P)_i / P_ii. Where users
    are fewer than items, P = (I - X' (X X' + ridge I)^-1 X) / ridge is never written out.
    """
    pairs, history = train.matrix(fit_power).astype(np.float64), train.matrix(history_power).astype(np.float64)
    users, items = pairs.shape
    if items <= users:
        inverse = np.linalg.inv((pairs.T @ pairs).toarray() + ridge * np.eye(items))
        products, diagonal = history @ inverse, np.diag(inverse)
    else:
        inner = np.linalg.inv((pairs @ pairs.T).toarray() + ridge * np.eye(users)) @ pairs
        products = (history.toarray() - (history @ pairs.T) @ inner) / ridge
        diagonal = (1 - pairs.multiply(inner).sum(axis=0)) / ridge
    scores = (-products / np.asarray(diagonal)).astype(np.float32)
    return lambda rows: scores[rows]


def lightfm(train: Events, epochs: int, learning_rate: float) -> Scorer:
    """LightFM with the WARP loss (Kula 2015), identities only, every event the same."""
    pairs = train.matrix()
    settings = Settings(
        epochs=epochs, learning_rate=learning_rate, embedding_dim=64, max_sampled=10, seed=SEED, train_threads=1
    )
    of_users, of_items = (sparse.identity(size, np.float32, "csr") for size in pairs.shape)
    user_factors, item_factors = fit(pairs, of_users, of_items, settings, lambda epoch: None)
    users, _ = represent(of_users, user_factors)
    items, biases = represent(of_items, item_factors)
    return lambda rows: users[rows] @ items.T + biases


_ALS = {"factors": [32, 64], "regularization": [0.01, 10.0], "alpha": [1.0, 10.0, 40.0]}
_RIDGES = [30.0, 100.0, 300.0, 1000.0]
PEERS = (
    Peer("popularity", popularity),
    Peer(
        "BPR",
        bpr,
        {"factors": [64], "learning_rate": [0.02, 0.05], "regularization": [0.001, 0.02], "iterations": [100, 300]},
    ),
    Peer("BM25 kNN", bm25, {"neighbours": [50, 200, 1000], "k1": [0.5, 1.2, 4.0], "b": [0.2, 0.75]}),
    Peer("implicit ALS", als, {**_ALS, "power": [0.0]}),
    Peer("LightFM, plain", lightfm, {"epochs": [15, 30, 60], "learning_rate": [0.05]}),
    Peer("EASE", ease, {"ridge": _RIDGES, "fit_power": [0.0], "history_power": [0.0]}),
    Peer("implicit ALS, recency", als, {**_ALS, "power": [1.0, 2.0, 4.0]}),
    Peer("EASE, recency", ease, {"ridge": _RIDGES, "fit_power": [0.0, 1.0, 2.0], "history_power": [2.0, 4.0, 8.0]}),
)


def _by_factors(users: NDArray[np.float32], items: NDArray[np.float32]) -> Scorer:
    return lambda rows: users[rows] @ items.T
