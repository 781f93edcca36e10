"""What popularity is worth: recall against coverage while `popularity_weight` goes from 0 to 1.

Pure; used by the stage evaluate_model. Only the dial of a fitted model moves, nothing is trained again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ml.evaluation.evaluate import exposure_counts, hits_of
from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.metrics.average_popularity import average_popularity
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.recall import recall
from nightjar.ranking.scoring import Ranking, best_items

WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class CurvePoint:
    """Figures of the lists at one weight: means over the users asked, as in `model_metrics`."""

    weight: float
    recall: float
    coverage: float
    average_popularity: float


def popularity_curve(
    ranking_at: Callable[[float], Ranking],
    question: HoldoutSlice,
    train: sparse.csr_matrix,
    k: int,
    weights: Sequence[float] = WEIGHTS,
    left_out: sparse.csr_matrix | None = None,
) -> list[CurvePoint]:
    """Measure the lists at each weight; nothing where the slice is empty.

    Args:
        ranking_at: gives the ranking at a weight.
        question: whose lists, and what they should hold.
        train: (users, items) CSR of the training pairs.
        k: cut-off of the lists.
        weights: the weights, ascending.
        left_out: (users, items) CSR of what a user's list may not hold; None: the training pairs.
    """
    if len(question.users) == 0:
        return []
    train_users = train.getnnz(axis=0)[question.is_candidate]
    user_count = int((train.getnnz(axis=1) > 0).sum())
    left_out = train if left_out is None else left_out
    points = []
    for weight in weights:
        lists = best_items(ranking_at(weight), question.users, question.is_candidate, left_out, k)
        shown = exposure_counts(lists, question.is_candidate)
        recalls = recall(hits_of(lists, question.truth), question.truth.getnnz(axis=1))
        points.append(
            CurvePoint(
                weight,
                float(np.nanmean(recalls)),
                coverage(shown),
                average_popularity(shown, train_users, user_count),
            )
        )
    return points
