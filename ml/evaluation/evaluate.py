"""Judges rankings on the holdout: every metric, on every slice, for the model and what it is compared with.

Pure; used by the stage evaluate_model. A user's training items are left out of the lists where they are when published.
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
# The recipe of the champion, fitted on the same data; what the users of the holdout took themselves.
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
    """What the holdout says.

    Attributes:
        metrics: all figures.
        exposures: for each model (candidates,) the number of lists of slice `all` that hold each candidate.
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
    """Measure each ranking on each slice, and beside them, as `consumed`, what the users of the slice took.

    Args:
        rankings: model name to ranking.
        slices: the questions, one of them named `all`.
        train: (users, items) CSR of the training pairs.
        k: cut-off of the lists.
        left_out: (users, items) CSR of what a user's list may not hold; None: the training pairs.
    """
    found = Evaluation([], {}, {})
    left_out = train if left_out is None else left_out
    for model, ranking in rankings.items():
        for question in slices:
            lists = best_items(ranking, question.users, question.is_candidate, left_out, k)
            of_users = _list_values(lists, question)
            if question.name == "all":
                found.of_users[model] = of_users
            _add_catalogue_values(found, model, exposure_counts(lists, question.is_candidate), question, train, k)
            figures = [(name, k, values) for name, values in of_users.items()]
            figures.append(("auc", 0, _auc_of_users(ranking, question, left_out)))
            found.metrics.extend(
                Metric(model, question.name, name, cut, _nanmean(values), len(question.users))
                for name, cut, values in figures
            )
    for question in slices:
        taken = question.truth.getnnz(axis=0)[question.is_candidate].astype(np.int64)
        _add_catalogue_values(found, CONSUMED, taken, question, train, k)
    return found


def recall_at_k(ranking: Ranking, question: HoldoutSlice, left_out: sparse.csr_matrix, k: int) -> float:
    """Mean recall@k of one ranking on one slice, `left_out` as in `evaluate`; nan where the slice is empty."""
    lists = best_items(ranking, question.users, question.is_candidate, left_out, k)
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


def _list_values(lists: NDArray[np.int64], question: HoldoutSlice) -> dict[str, NDArray[np.float64]]:
    hits, sizes = hits_of(lists, question.truth), question.truth.getnnz(axis=1)
    return {name: measure(hits, sizes) for name, measure in LIST_METRICS.items()}


def _add_catalogue_values(
    found: Evaluation, model: str, shown: NDArray[np.int64], question: HoldoutSlice, train: sparse.csr_matrix, k: int
) -> None:
    train_users = train.getnnz(axis=0)[question.is_candidate]
    user_count = int((train.getnnz(axis=1) > 0).sum())
    values = {
        "coverage": coverage(shown),
        "gini": gini(shown),
        "top_share": top_share(shown),
        "novelty": novelty(shown, train_users, user_count),
        "average_popularity": average_popularity(shown, train_users, user_count),
    }
    if question.name == "all":
        found.exposures[model] = shown
    found.metrics.extend(
        Metric(model, question.name, name, k, value, len(question.users)) for name, value in values.items()
    )


def _auc_of_users(ranking: Ranking, question: HoldoutSlice, left_out: sparse.csr_matrix) -> NDArray[np.float64]:
    values = np.full(len(question.users), np.nan)
    for block, scores in score_blocks(ranking, question.users):
        is_truth = question.truth[block].toarray() > 0
        may_be_listed = left_out[question.users[block]].toarray() == 0
        values[block] = auc(scores, is_truth, question.is_candidate & may_be_listed)
    return values


def _nanmean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
