import numpy as np
import pytest
from scipy import sparse

from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.popularity_curve import CurvePoint, popularity_curve
from nightjar.ranking.scoring import Ranking

# Item 0 is popular: three of three users trained on it. By taste alone user 0 wants item 1 and user 1 item 2.
TASTE = np.array([[0, 3, 1], [0, 1, 3]], dtype=np.float32)
TRAIN = sparse.csr_matrix(np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]], dtype=np.float32))
TRUTH = sparse.csr_matrix(np.array([[1, 0, 0], [0, 0, 1]], dtype=np.float32))


def ranking_at(weight: float) -> Ranking:
    bias = np.array([4, 0, 0], dtype=np.float32) * weight
    users = np.hstack([np.eye(2), np.ones((2, 1))]).astype(np.float32)
    return Ranking(np.vstack([users, np.zeros((3, 3), np.float32)]), np.vstack([TASTE, bias]).T.copy())


def test_a_lower_popularity_weight_recommends_more_and_less_popular_items() -> None:
    everybody = HoldoutSlice("all", np.array([0, 1]), TRUTH, np.ones(3, bool))
    points = popularity_curve(ranking_at, everybody, TRAIN, k=1, weights=(0.0, 1.0))
    # Without bias: items 1 and 2, of which user 1 wanted the second; one of three training users had item 1.
    # With it both get item 0, which all training users had and user 0 wanted.
    assert points == [
        CurvePoint(0.0, 0.5, pytest.approx(2 / 3), pytest.approx(1 / 6)),
        CurvePoint(1.0, 0.5, pytest.approx(1 / 3), 1.0),
    ]


def test_without_users_there_is_no_curve() -> None:
    no_user = HoldoutSlice("all", np.array([], int), TRUTH[:0], np.ones(3, bool))
    assert popularity_curve(ranking_at, no_user, TRAIN, k=1) == []
