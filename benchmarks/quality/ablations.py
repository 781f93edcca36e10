"""Ablations: one of Nightjar's settings changed at a time, evaluated inside the training part.

Reads the features of a published run: their holdout is a validation window without events of the test part.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.quality.evaluation import K
from ml.data.training_data import IDENTITY_PREFIX, TrainingData
from ml.evaluation.holdout_slices import HoldoutSlice, holdout_slices, slice_named
from ml.evaluation.slice_lists import Evaluated
from ml.models.candidate import Candidate, fit_candidate
from ml.tuning.trial_fit import list_metrics
from nightjar.contract.artifacts.sources import raised
from nightjar.contract.settings import Settings


@dataclass(frozen=True)
class Ablation:
    """A change of settings, or of the data that the embeddings are fitted on."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    data: Callable[[TrainingData], TrainingData] = lambda data: data


def identities_only(data: TrainingData) -> TrainingData:
    """Keep only the identity features of users and items."""

    def kept(features: sparse.csr_matrix, names: np.ndarray) -> sparse.csr_matrix:
        is_identity = np.array([str(name).startswith(IDENTITY_PREFIX) for name in names], np.float32)
        return (features @ sparse.diags(is_identity)).tocsr().astype(np.float32)

    return replace(
        data,
        user_features=kept(data.user_features, data.user_feature_names),
        item_features=kept(data.item_features, data.item_feature_names),
    )


def normalised(data: TrainingData) -> TrainingData:
    """Scale each user's and item's features to a sum of 1, as LightFM's own Dataset does."""

    def scaled(features: sparse.csr_matrix) -> sparse.csr_matrix:
        sums = np.maximum(np.asarray(features.sum(axis=1)).ravel(), 1e-9)
        return (sparse.diags(1 / sums) @ features).tocsr().astype(np.float32)

    return replace(data, user_features=scaled(data.user_features), item_features=scaled(data.item_features))


def sharpened(exponent: float) -> Callable[[TrainingData], TrainingData]:
    """Raise the pairs' weights to a power: 0 makes all events the same, 0.5 halves the power of the recency rank."""
    return lambda data: replace(data, train=raised(data.train, exponent))


ABLATIONS = (
    Ablation("as published"),
    Ablation("embeddings alone (blend weight 0)", {"cooccurrence_share": 0.0}),
    Ablation("co-occurrence alone (blend weight 1)", {"cooccurrence_share": 1.0}),
    Ablation("blend weight 0.15", {"cooccurrence_share": 0.15}),
    Ablation("blend weight 0.5", {"cooccurrence_share": 0.5}),
    Ablation("history exponent 1", {"cooccurrence_history_exponent": 1.0}),
    Ablation("history exponent 2", {"cooccurrence_history_exponent": 2.0}),
    Ablation("fit exponent 0", {"cooccurrence_fit_exponent": 0.0}),
    Ablation("fit exponent 1", {"cooccurrence_fit_exponent": 1.0}),
    Ablation("lambda 100", {"cooccurrence_lambda": 100.0}),
    Ablation("lambda 1000", {"cooccurrence_lambda": 1000.0}),
    Ablation("50 neighbours", {"cooccurrence_neighbours": 50}),
    Ablation("sparse cosines for EASE", {"cooccurrence_dense_items": 1}),
    Ablation("embeddings without recency", data=sharpened(0.0)),
    Ablation("embeddings with half the recency power", data=sharpened(0.5)),
    Ablation("embeddings without features", data=identities_only),
    Ablation("features normalised", data=normalised),
    Ablation("learning rate 0.05", {"learning_rate": 0.05}),
    Ablation("10 negatives sampled at most", {"max_sampled": 10}),
    Ablation("60 epochs", {"epochs": 60}),
    Ablation("32 dimensions", {"embedding_dim": 32}),
)
# Settings that a fitted candidate follows.
_OF_THE_RANKING = {"cooccurrence_share"}


def effects(data: TrainingData, settings: Settings) -> dict[str, dict[str, float]]:
    """Measure every ablation on warm users and items: recall@10 and NDCG@10 by its name."""
    warm = slice_named(holdout_slices(data.train, data.holdout, data.is_available, settings.seed), "warm")
    unchanged = fit_candidate(data.train_part, settings)
    return {each.name: _quality(_ablated(unchanged, each), warm) for each in ABLATIONS}


def _ablated(unchanged: Candidate, ablation: Ablation) -> Candidate:
    """Return the candidate with one change; changed data is seen by the embeddings only."""
    settings = unchanged.settings.model_copy(update=ablation.settings)
    data = ablation.data(unchanged.part.data)
    if data is unchanged.part.data and ablation.settings.keys() <= _OF_THE_RANKING:
        return unchanged.at(settings)
    fitted = fit_candidate(data.train_part, settings)
    return fitted if data is unchanged.part.data else replace(unchanged, factors=fitted.factors)


def _quality(candidate: Candidate, warm: HoldoutSlice) -> dict[str, float]:
    metrics = list_metrics(candidate.ranker(), warm, Evaluated.of(candidate.part.data), K)
    return {"recall": metrics.mean("recall"), "ndcg": metrics.mean("ndcg")}
