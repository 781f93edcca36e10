"""Nightjar's ranking and its peers, each with the choices of its validation.

Pure: the training part of a data set in the form of a run's features -> scores of all items for some users.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy import sparse

from benchmarks.cold_start.holdouts import SEED
from benchmarks.quality.evaluation import Scorer
from ml.data.training_data import TrainingData
from ml.evaluation import blend_weights
from ml.evaluation.blend_weights import ChosenWeights
from ml.evaluation.cold_item_weights import ColdItemWeights, choose
from ml.evaluation.holdout_slices import holdout_slices, slice_named
from ml.models.candidate import fit_candidate
from ml.models.cold_items import metadata_rows, unit_rows
from ml.models.ease import nearest_by_cosine
from ml.models.source_weights import SourceWeights
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.settings import Settings
from nightjar.ranking.ranker import Ranker

NIGHTJAR, EMBEDDINGS = "Nightjar", "LightFM alone, Nightjar's embeddings"


@dataclass(frozen=True)
class Peer:
    """A model and the choices of its validation."""

    name: str
    fit: Callable[..., Scorer]
    choices: list[dict[str, Any]] = field(default_factory=lambda: [{}])


def random(data: TrainingData) -> Scorer:
    """A random order, another one for every user."""
    items = len(data.item_ids)
    return lambda rows: np.stack([np.random.default_rng([SEED, row]).random(items, np.float32) for row in rows])


def popularity(data: TrainingData) -> Scorer:
    """The items' number of users."""
    counts = data.train.getnnz(axis=0).astype(np.float32)
    return lambda rows: np.tile(counts, (len(rows), 1))


def content_knn(data: TrainingData, idf_power: float) -> Scorer:
    """Sum of the cosines between an item's TF-IDF row and those of the user's own items; idf to a power."""
    rows = unit_rows(metadata_rows(data))
    if idf_power != 1:
        idf = np.log(rows.shape[0] / np.maximum(rows.getnnz(axis=0), 1)) ** (idf_power - 1)
        rows = unit_rows(rows @ sparse.diags_array(idf))
    profiles = (data.train @ rows).tocsr()
    columns = rows.T.tocsr()
    return lambda users: (profiles[users] @ columns).toarray().astype(np.float32)


def item_knn(data: TrainingData, shrinkage: float) -> Scorer:
    """Sum of the shrunk cosines between an item's users and those of the user's own items."""
    occurring = np.flatnonzero(data.train.getnnz(axis=0))
    nearest = nearest_by_cosine(data.train[:, occurring].astype(np.float64).tocsr(), shrinkage, 200).tocoo()
    weights = sparse.csr_matrix(
        (nearest.data, (occurring[nearest.row], occurring[nearest.col])), shape=(len(data.item_ids),) * 2
    )
    return lambda users: (data.train[users] @ weights).toarray().astype(np.float32)


def als(data: TrainingData, alpha: float, regularization: float) -> Scorer:
    """Implicit ALS (Hu, Koren, Volinsky 2008) with 64 factors."""
    model = AlternatingLeastSquares(
        factors=64, alpha=alpha, regularization=regularization, random_state=SEED, num_threads=1
    )
    model.fit(data.train, show_progress=False)
    users, items = np.asarray(model.user_factors), np.asarray(model.item_factors)
    return lambda rows: users[rows] @ items.T


def choose_cold_item_weights(before: TrainingData, settings: Settings) -> ColdItemWeights:
    """Choose as a run does on its choice window."""
    slices = holdout_slices(before.train, before.holdout, before.is_available, settings.seed)
    return choose(fit_candidate(before.train_part, settings), slice_named(slices, "cold_item"))


def choose_blend_weights(before: TrainingData, settings: Settings) -> ChosenWeights:
    """Choose as a run does on its choice window."""
    return blend_weights.choose([fit_candidate(before.train_part, settings)])


def nightjar(data: TrainingData, settings: Settings, weights: SourceWeights | None) -> dict[str, Scorer]:
    """Return the ranking of a run, and that of its embeddings alone; weights None: the default ones."""
    candidate = fit_candidate(data.train_part, settings).with_weights(weights)
    return {EMBEDDINGS: _scorer(candidate.ranker_of(LIGHTFM)), NIGHTJAR: _scorer(candidate.ranker())}


def _scorer(ranker: Ranker) -> Scorer:
    return lambda users: np.concatenate([scores for _, scores in ranker.scores(users)])


COLD_ITEM_PEERS = (
    Peer("random", random),
    Peer("content kNN", content_knn, [{"idf_power": 1.0}, {"idf_power": 2.0}]),
)
CROSS_DOMAIN_PEERS = (
    Peer("popularity in the target", popularity),
    Peer("item kNN", item_knn, [{"shrinkage": value} for value in (1.0, 10.0, 100.0)]),
    Peer(
        "implicit ALS",
        als,
        [{"alpha": alpha, "regularization": ridge} for alpha in (1.0, 10.0, 40.0) for ridge in (0.01, 10.0)],
    ),
)
