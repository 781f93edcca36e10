"""The trade-off of the popularity weight: recall against coverage while `popularity_weight` goes from 0 to 1.

Pure; used by the stage evaluate_model. The model is fitted once: only its popularity weight changes.
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
    """Metrics of the recommendations at one weight: means over the users of the slice, as in `model_metrics`."""

    weight: float
    recall: float
    coverage: float
    average_popularity: float


def popularity_curve(
    ranking_at: Callable[[float], Ranking],
    holdout_slice: HoldoutSlice,
    train: sparse.csr_matrix,
    k: int,
    weights: Sequence[float] = WEIGHTS,
    left_out: sparse.csr_matrix | None = None,
) -> list[CurvePoint]:
    """Measure the recommendations at each weight; no point where the slice is empty.

    Args:
        ranking_at: gives the ranking at a weight.
        holdout_slice: users and truth.
        train: (users, items) CSR of the training pairs.
        k: items recommended to a user.
        weights: the weights, ascending.
        left_out: (users, items) CSR of what may not be recommended; None: the training pairs.
    """
    if len(holdout_slice.users) == 0:
        return []
    train_users = train.getnnz(axis=0)[holdout_slice.is_candidate]
    user_count = int((train.getnnz(axis=1) > 0).sum())
    left_out = train if left_out is None else left_out
    points = []
    for weight in weights:
        recommended = best_items(ranking_at(weight), holdout_slice.users, holdout_slice.is_candidate, left_out, k)
        exposures = exposure_counts(recommended, holdout_slice.is_candidate)
        recalls = recall(hits_of(recommended, holdout_slice.truth), holdout_slice.truth.getnnz(axis=1))
        points.append(
            CurvePoint(
                weight,
                float(np.nanmean(recalls)),
                coverage(exposures),
                average_popularity(exposures, train_users, user_count),
            )
        )
    return points
