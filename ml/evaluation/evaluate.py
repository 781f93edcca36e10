"""Evaluates top-K lists on the holdout: every metric, on every slice, for the model and what it is compared with.

Pure; used by the stage evaluate_model. The lists come from the ranker of publications, one for each domain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.metrics.auc import auc
from ml.evaluation.metrics.average_popularity import average_popularity
from ml.evaluation.metrics.average_precision import average_precision
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.gini import gini
from ml.evaluation.metrics.hit_rate import hit_rate
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.novelty import novelty
from ml.evaluation.metrics.precision import precision
from ml.evaluation.metrics.recall import recall
from ml.evaluation.metrics.top_share import top_share
from ml.evaluation.slice_lists import Evaluated, exposure_counts, list_values, nanmean_of_domains, slice_lists
from nightjar.ranking.ranker import Ranker

MODEL, BASELINE = "nightjar", "popularity"
# The refit of the champion on the same data; what the users of the holdout consumed.
CHAMPION, CONSUMED = "champion", "consumed"
LIST_METRICS = {
    "recall": recall,
    "ndcg": ndcg,
    "map": average_precision,
    "precision": precision,
    "hit_rate": hit_rate,
}


@dataclass(frozen=True)
class Metric:
    """One row of `recs.model_metrics`; value is nan where the slice is empty."""

    model: str
    slice: str
    metric: str
    k: int
    value: float
    users: int


@dataclass(frozen=True)
class Evaluation:
    """Metrics of some rankers on the holdout.

    Attributes:
        metrics: all of them.
        exposures: for each model (candidates,) the users of slice `all` to whom each candidate is recommended.
        of_users: for each ranker and list metric (users,) the values of slice `all`, users in its order.
    """

    metrics: list[Metric]
    exposures: dict[str, NDArray[np.int64]]
    of_users: dict[str, dict[str, NDArray[np.float64]]]


def evaluate(rankers: Mapping[str, Ranker], slices: Sequence[HoldoutSlice], truth: Evaluated, k: int) -> Evaluation:
    """Measure the lists of each ranker on each slice, and as model `consumed` what the users of the slice consumed.

    A user's value of a list metric is the mean over the domains in which they have truth: each has a list of its own.

    Args:
        rankers: model name to ranker.
        slices: one of them is named `all`.
        truth: what the models were fitted on, and what they may not recommend.
        k: items of a list.
    """
    evaluation = Evaluation([], {}, {})
    for model, ranker in rankers.items():
        aucs = _auc_of_users(ranker, slices, truth)
        for each, recommended in zip(slices, slice_lists(ranker, slices, truth.left_out, k), strict=True):
            of_users = list_values(recommended, each, truth.domains, LIST_METRICS)
            if each.name == "all":
                evaluation.of_users[model] = of_users
            exposures = exposure_counts(recommended, each.is_candidate)
            _add_catalogue_values(evaluation, model, exposures, each, truth.train, k)
            values_of = [(name, k, values) for name, values in of_users.items()]
            values_of.append(("auc", 0, aucs[each.name]))
            evaluation.metrics.extend(
                Metric(model, each.name, name, cut, _nanmean(values), len(each.users))
                for name, cut, values in values_of
            )
    for each in slices:
        consumed = each.truth.getnnz(axis=0)[each.is_candidate].astype(np.int64)
        _add_catalogue_values(evaluation, CONSUMED, consumed, each, truth.train, k)
    return evaluation


def evaluate_alone(ranker: Ranker, name: str, holdout_slice: HoldoutSlice, truth: Evaluated, k: int) -> list[Metric]:
    """Measure the lists of one source alone on one slice: every list metric."""
    (recommended,) = slice_lists(ranker, [holdout_slice], truth.left_out, k)
    of_users = list_values(recommended, holdout_slice, truth.domains, LIST_METRICS)
    return [
        Metric(name, holdout_slice.name, metric, k, _nanmean(values), len(holdout_slice.users))
        for metric, values in of_users.items()
    ]


def recall_at_k(ranker: Ranker, holdout_slice: HoldoutSlice, truth: Evaluated, k: int) -> float:
    """Mean recall@k of the lists of one ranker on one slice; nan where the slice is empty."""
    return _nanmean(recalls_at_k(ranker, holdout_slice, truth, k))


def recalls_at_k(ranker: Ranker, holdout_slice: HoldoutSlice, truth: Evaluated, k: int) -> NDArray[np.float64]:
    """Recall@k of each user's lists on one slice: (users of the slice,)."""
    (recommended,) = slice_lists(ranker, [holdout_slice], truth.left_out, k)
    return list_values(recommended, holdout_slice, truth.domains, {"recall": recall})["recall"]


def _add_catalogue_values(
    evaluation: Evaluation,
    model: str,
    exposures: NDArray[np.int64],
    holdout_slice: HoldoutSlice,
    train: sparse.csr_matrix,
    k: int,
) -> None:
    train_users = train.getnnz(axis=0)[holdout_slice.is_candidate]
    user_count = int((train.getnnz(axis=1) > 0).sum())
    values = {
        "coverage": coverage(exposures),
        "gini": gini(exposures),
        "top_share": top_share(exposures),
        "novelty": novelty(exposures, train_users, user_count),
        "average_popularity": average_popularity(exposures, train_users, user_count),
    }
    if holdout_slice.name == "all":
        evaluation.exposures[model] = exposures
    evaluation.metrics.extend(
        Metric(model, holdout_slice.name, name, k, value, len(holdout_slice.users)) for name, value in values.items()
    )


def _auc_of_users(ranker: Ranker, slices: Sequence[HoldoutSlice], truth: Evaluated) -> dict[str, NDArray[np.float64]]:
    """Return for each slice the AUC of its users, the mean over the domains in which they have truth."""
    values = {each.name: np.full(len(each.users), np.nan) for each in slices}
    users = np.unique(np.concatenate([each.users for each in slices]))
    members = [truth.domains == domain for domain in np.unique(truth.domains)]
    for block, scores in ranker.scores(users):
        may_be_recommended = truth.left_out[users[block]].toarray() == 0
        for each in slices:
            at = np.searchsorted(users[block], each.users)
            rows = np.flatnonzero(users[block][np.minimum(at, len(scores) - 1)] == each.users)
            is_truth = each.truth[rows].toarray() > 0
            competes = each.is_candidate & may_be_recommended[at[rows]]
            of_domains = [_auc_within(member, scores[at[rows]], is_truth, competes) for member in members]
            values[each.name][rows] = nanmean_of_domains(of_domains)
    return values


def _auc_within(
    is_member: NDArray[np.bool_],
    scores: NDArray[np.float32],
    is_truth: NDArray[np.bool_],
    competes: NDArray[np.bool_],
) -> NDArray[np.float64]:
    values = np.full(len(scores), np.nan)
    has_truth = np.flatnonzero(is_truth[:, is_member].any(axis=1))
    if len(has_truth):
        within = np.ix_(has_truth, np.flatnonzero(is_member))
        values[has_truth] = auc(scores[within], is_truth[within], competes[within])
    return values


def _nanmean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
