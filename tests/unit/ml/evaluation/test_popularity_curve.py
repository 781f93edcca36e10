import numpy as np
import pytest

from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.popularity_curve import CurvePoint, popularity_curve
from ml.evaluation.slice_lists import Evaluated
from nightjar.ranking.ranker import Ranker
from tests.support.small_rankers import matrix, ranker_by_scores

# Item 0 is popular: three of three users trained on it. By taste alone user 0 wants item 1 and user 1 item 2.
TASTE = np.array([[0, 3, 1], [0, 1, 3]], dtype=np.float32)
TRAIN = matrix([[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]])
TRUTH = matrix([[1, 0, 0], [0, 0, 1]])
EVALUATED = Evaluated(TRAIN, TRAIN, np.full(3, "d", object))


def ranker_at(weight: float) -> Ranker:
    bias = np.array([4, 0, 0], dtype=np.float32) * weight
    return ranker_by_scores(np.vstack([TASTE + bias, np.zeros((3, 3), np.float32)]), TRAIN)


def test_a_lower_popularity_weight_recommends_more_and_less_popular_items() -> None:
    everybody = HoldoutSlice("all", np.array([0, 1]), TRUTH, np.ones(3, bool))
    points = popularity_curve(ranker_at, everybody, EVALUATED, k=1, weights=(0.0, 1.0))
    # Without bias: items 1 and 2, of which user 1 wanted the second; one of three training users had item 1.
    # With it both get item 0, which all training users had and user 0 wanted.
    assert points == [
        CurvePoint(0.0, 0.5, pytest.approx(2 / 3), pytest.approx(1 / 6)),
        CurvePoint(1.0, 0.5, pytest.approx(1 / 3), 1.0),
    ]


def test_without_users_there_is_no_curve() -> None:
    no_user = HoldoutSlice("all", np.array([], int), TRUTH[:0], np.ones(3, bool))
    assert popularity_curve(ranker_at, no_user, EVALUATED, k=1) == []
