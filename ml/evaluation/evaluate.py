"""Evaluates rankings on the holdout: every metric, on every slice, for the model and what it is compared with.

Pure; used by the stage evaluate_model. A user's training items are left out where published recommendations leave them
out.
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
from nightjar.ranking.scoring import Ranking, best_items, score_blocks

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
    """Metrics of some rankings on the holdout.

    Attributes:
        metrics: all of them.
        exposures: for each model (candidates,) the users of slice `all` to whom each candidate is recommended.
        of_users: for each ranking and list metric (users,) the values of slice `all`, users in its order.
    """

    metrics: list[Metric]
    exposures: dict[str, NDArray[np.int64]]
    of_users: dict[str, dict[str, NDArray[np.float64]]]


def evaluate(
    rankings: Mapping[str, Ranking],
    slices: Sequence[HoldoutSlice],
    train: sparse.csr_matrix,
    k: int,
    left_out: sparse.csr_matrix | None = None,
) -> Evaluation:
    """Measure each ranking on each slice, and as model `consumed` what the users of the slice consumed.

    Args:
        rankings: model name to ranking.
        slices: one of them is named `all`.
        train: (users, items) CSR of the training pairs.
        k: items recommended to a user.
        left_out: (users, items) CSR of what may not be recommended; None: the training pairs.
    """
    evaluation = Evaluation([], {}, {})
    left_out = train if left_out is None else left_out
    for model, ranking in rankings.items():
        for each in slices:
            recommended = best_items(ranking, each.users, each.is_candidate, left_out, k)
            of_users = _list_values(recommended, each)
            if each.name == "all":
                evaluation.of_users[model] = of_users
            _add_catalogue_values(evaluation, model, exposure_counts(recommended, each.is_candidate), each, train, k)
            values_of = [(name, k, values) for name, values in of_users.items()]
            values_of.append(("auc", 0, _auc_of_users(ranking, each, left_out)))
            evaluation.metrics.extend(
                Metric(model, each.name, name, cut, _nanmean(values), len(each.users))
                for name, cut, values in values_of
            )
    for each in slices:
        consumed = each.truth.getnnz(axis=0)[each.is_candidate].astype(np.int64)
        _add_catalogue_values(evaluation, CONSUMED, consumed, each, train, k)
    return evaluation


def recall_at_k(ranking: Ranking, holdout_slice: HoldoutSlice, left_out: sparse.csr_matrix, k: int) -> float:
    """Mean recall@k of one ranking on one slice, `left_out` as in `evaluate`; nan where the slice is empty."""
    recommended = best_items(ranking, holdout_slice.users, holdout_slice.is_candidate, left_out, k)
    return _nanmean(recall(hits_of(recommended, holdout_slice.truth), holdout_slice.truth.getnnz(axis=1)))


def hits_of(recommended: NDArray[np.int64], truth: sparse.csr_matrix) -> NDArray[np.bool_]:
    """Return for each recommended item, (rows, k), whether it is in the row's truth; -1 never is."""
    rows, item_count = np.arange(len(recommended), dtype=np.int64)[:, None], truth.shape[1]
    pairs = truth.tocoo()
    hits: NDArray[np.bool_] = np.isin(
        np.where(recommended >= 0, rows * item_count + recommended, -1),
        pairs.row.astype(np.int64) * item_count + pairs.col,
    )
    return hits


def exposure_counts(recommended: NDArray[np.int64], is_candidate: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the users to whom each candidate item is recommended: (candidates,)."""
    counts: NDArray[np.int64] = np.bincount(recommended[recommended >= 0], minlength=len(is_candidate))[is_candidate]
    return counts


def _list_values(recommended: NDArray[np.int64], holdout_slice: HoldoutSlice) -> dict[str, NDArray[np.float64]]:
    hits, sizes = hits_of(recommended, holdout_slice.truth), holdout_slice.truth.getnnz(axis=1)
    return {name: measure(hits, sizes) for name, measure in LIST_METRICS.items()}


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


def _auc_of_users(ranking: Ranking, holdout_slice: HoldoutSlice, left_out: sparse.csr_matrix) -> NDArray[np.float64]:
    values = np.full(len(holdout_slice.users), np.nan)
    for block, scores in score_blocks(ranking, holdout_slice.users):
        is_truth = holdout_slice.truth[block].toarray() > 0
        may_be_recommended = left_out[holdout_slice.users[block]].toarray() == 0
        values[block] = auc(scores, is_truth, holdout_slice.is_candidate & may_be_recommended)
    return values


def _nanmean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
