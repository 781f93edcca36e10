"""Judges rankings on the holdout: every metric, on every slice, for the model and the popularity baseline.

Pure; used by the stage evaluate_model. A user's training items are left out of the lists, as they are when published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.holdout_slices import HoldoutSlice
from ml.metrics.auc import auc
from ml.metrics.average_precision import average_precision
from ml.metrics.coverage import coverage
from ml.metrics.gini import gini
from ml.metrics.hit_rate import hit_rate
from ml.metrics.ndcg import ndcg
from ml.metrics.novelty import novelty
from ml.metrics.precision import precision
from ml.metrics.recall import recall
from ml.scoring import Ranking, best_items, score_blocks

MODEL, BASELINE = "nightjar", "popularity"
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
    """What the holdout says.

    Attributes:
        metrics: all figures.
        exposures: for each model (candidates,) the number of lists of slice `all` that hold each candidate.
    """

    metrics: list[Metric]
    exposures: dict[str, NDArray[np.int64]]


def evaluate(
    rankings: Mapping[str, Ranking], slices: Sequence[HoldoutSlice], train: sparse.csr_matrix, k: int
) -> Evaluation:
    """Measure each ranking on each slice.

    Args:
        rankings: model name to ranking.
        slices: the questions, one of them named `all`.
        train: (users, items) CSR of the training pairs.
        k: cut-off of the lists.
    """
    metrics: list[Metric] = []
    exposures: dict[str, NDArray[np.int64]] = {}
    for model, ranking in rankings.items():
        for question in slices:
            lists = best_items(ranking, question.users, question.is_candidate, train, k)
            shown = exposure_counts(lists, question.is_candidate)
            if question.name == "all":
                exposures[model] = shown
            values = _list_values(lists, question) | _catalogue_values(shown, question, train)
            figures = [(name, k, value) for name, value in values.items()]
            figures.append(("auc", 0, _nanmean(_auc_of_users(ranking, question, train))))
            metrics += [
                Metric(model, question.name, name, cut, value, len(question.users)) for name, cut, value in figures
            ]
    return Evaluation(metrics, exposures)


def recall_at_k(ranking: Ranking, question: HoldoutSlice, train: sparse.csr_matrix, k: int) -> float:
    """Mean recall@k of one ranking on one slice; nan where the slice is empty."""
    lists = best_items(ranking, question.users, question.is_candidate, train, k)
    return _nanmean(recall(hits_of(lists, question.truth), question.truth.getnnz(axis=1)))


def hits_of(lists: NDArray[np.int64], truth: sparse.csr_matrix) -> NDArray[np.bool_]:
    """Tell for each place of each list, (rows, k), whether its item is in the row's truth; -1 never is."""
    rows, item_count = np.arange(len(lists), dtype=np.int64)[:, None], truth.shape[1]
    pairs = truth.tocoo()
    hits: NDArray[np.bool_] = np.isin(
        np.where(lists >= 0, rows * item_count + lists, -1), pairs.row.astype(np.int64) * item_count + pairs.col
    )
    return hits


def exposure_counts(lists: NDArray[np.int64], is_candidate: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the lists that hold each candidate item: (candidates,)."""
    counts: NDArray[np.int64] = np.bincount(lists[lists >= 0], minlength=len(is_candidate))[is_candidate]
    return counts


def _list_values(lists: NDArray[np.int64], question: HoldoutSlice) -> dict[str, float]:
    hits, sizes = hits_of(lists, question.truth), question.truth.getnnz(axis=1)
    return {name: _nanmean(measure(hits, sizes)) for name, measure in LIST_METRICS.items()}


def _catalogue_values(shown: NDArray[np.int64], question: HoldoutSlice, train: sparse.csr_matrix) -> dict[str, float]:
    train_users = train.getnnz(axis=0)[question.is_candidate]
    user_count = int((train.getnnz(axis=1) > 0).sum())
    return {"coverage": coverage(shown), "gini": gini(shown), "novelty": novelty(shown, train_users, user_count)}


def _auc_of_users(ranking: Ranking, question: HoldoutSlice, train: sparse.csr_matrix) -> NDArray[np.float64]:
    values = np.full(len(question.users), np.nan)
    for block, scores in score_blocks(ranking, question.users):
        is_truth = question.truth[block].toarray() > 0
        unseen = train[question.users[block]].toarray() == 0
        values[block] = auc(scores, is_truth, question.is_candidate & unseen)
    return values


def _nanmean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
