"""The trade-off of the popularity weight: recall against coverage while `popularity_weight` goes from 0 to 1.

Pure; used by the stage evaluate_model. The model is fitted once: only its popularity weight changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.metrics.average_popularity import average_popularity
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.recall import recall
from ml.evaluation.slice_lists import Evaluated, exposure_counts, list_values, slice_lists
from nightjar.ranking.ranker import Ranker

WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class CurvePoint:
    """Metrics of the recommendations at one weight: means over the users of the slice, as in `model_metrics`."""

    weight: float
    recall: float
    coverage: float
    average_popularity: float


def popularity_curve(
    ranker_at: Callable[[float], Ranker],
    holdout_slice: HoldoutSlice,
    truth: Evaluated,
    k: int,
    weights: Sequence[float] = WEIGHTS,
) -> list[CurvePoint]:
    """Measure the recommendations at each weight; no point where the slice is empty.

    Args:
        ranker_at: gives the ranker at a weight.
        holdout_slice: users and truth.
        truth: what the model was fitted on, and what it may not recommend.
        k: items of a list.
        weights: the weights, ascending.
    """
    if len(holdout_slice.users) == 0:
        return []
    train_users = truth.train.getnnz(axis=0)[holdout_slice.is_candidate]
    user_count = int((truth.train.getnnz(axis=1) > 0).sum())
    points = []
    for weight in weights:
        (recommended,) = slice_lists(ranker_at(weight), [holdout_slice], truth.left_out, k)
        exposures = exposure_counts(recommended, holdout_slice.is_candidate)
        recalls = list_values(recommended, holdout_slice, truth.domains, {"recall": recall})["recall"]
        points.append(
            CurvePoint(
                weight,
                float(np.nanmean(recalls)),
                coverage(exposures),
                average_popularity(exposures, train_users, user_count),
            )
        )
    return points
