"""A catalogue of five items and three users, every figure by hand."""

from math import log2

import numpy as np
import pytest
from scipy import sparse

from ml.evaluation.evaluate import LIST_METRICS, Evaluation, evaluate, hits_of
from ml.evaluation.holdout_slices import holdout_slices
from nightjar.ranking.scoring import Ranking, popularity_ranking

TRAIN = sparse.csr_matrix(np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0] * 5], dtype=np.float32))
HOLDOUT = sparse.csr_matrix(np.array([[0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]], dtype=np.float32))
# By this ranking user 0 sees 1, 2 | 3, 4, user 1 sees 3, 2 | 4 and user 2 sees 4, 3 | 2, 1, 0.
SCORES = np.array([[9, 8, 7, 2, 1], [9, 8, 2, 3, 1], [1, 2, 3, 4, 5]], dtype=np.float32)
# Metrics of the catalogue; a model has those of top-K lists and AUC besides.
OF_CONSUMED = 5
OF_A_MODEL = len(LIST_METRICS) + OF_CONSUMED + 1


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    ours = Ranking(SCORES, np.eye(5, dtype=np.float32))
    popular = popularity_ranking(np.array([2, 1, 0, 0, 0]), 3)
    slices = holdout_slices(TRAIN, HOLDOUT, np.ones(5, dtype=bool), seed=1)
    return evaluate({"nightjar": ours, "popularity": popular}, slices, TRAIN, k=2)


@pytest.mark.parametrize(
    ("model", "name", "metric", "expected"),
    [
        # Hits: user 0 at rank 2, user 1 at rank 1, user 2 none.
        ("nightjar", "all", "recall", 2 / 3),
        ("nightjar", "all", "precision", (1 / 2 + 1 / 2) / 3),
        ("nightjar", "all", "hit_rate", 2 / 3),
        ("nightjar", "all", "map", (1 / 2 + 1) / 3),
        ("nightjar", "all", "ndcg", (1 / log2(3) + 1) / 3),
        # User 0: item 2 against 1, 3, 4: two of three. User 1: item 3 beats 2 and 4. User 2: item 0 is the last.
        ("nightjar", "all", "auc", (2 / 3 + 1 + 0) / 3),
        # Shown: 1, 2, 3, 2, 4, 3, so all but item 0, as often as 0, 1, 2, 2, 1.
        ("nightjar", "all", "coverage", 4 / 5),
        ("nightjar", "all", "gini", (-4 * 0 - 2 * 1 + 0 * 1 + 2 * 2 + 4 * 2) / (5 * 6)),
        # One hundredth of five items is one of them: item 2 (or 3) has two of six places.
        ("nightjar", "all", "top_share", 2 / 6),
        # Item 1 has one of two training users, items 2, 3 and 4 none: once 1/2 in six places.
        ("nightjar", "all", "average_popularity", 1 / 12),
        # Shown: 1, 2, 2, 3, 0, 1, so item 0 with both users once, item 1 with one of them twice.
        ("popularity", "all", "average_popularity", (1 + 1 / 2 + 1 / 2) / 6),
        # The users of the holdout consumed items 2, 3 and 0, once each.
        ("consumed", "all", "coverage", 3 / 5),
        ("consumed", "all", "gini", (-4 * 0 - 2 * 0 + 0 * 1 + 2 * 1 + 4 * 1) / (5 * 3)),
        ("consumed", "all", "top_share", 1 / 3),
        ("consumed", "all", "average_popularity", 1 / 3),
        ("consumed", "cold_user", "average_popularity", 1.0),
        # Two training users; an item with one of them or none is worth one bit.
        ("nightjar", "all", "novelty", 1.0),
        # Popular for user 0: 1, 2; for user 1: 2, 3; for user 2: 0, 1.
        ("popularity", "all", "recall", 1.0),
        ("popularity", "all", "map", (1 / 2 + 1 / 2 + 1) / 3),
        ("nightjar", "cold_user", "recall", 0.0),
        ("popularity", "cold_user", "auc", 1.0),
        # Cold items 2, 3, 4 against each other: user 0 ranks 2 first, user 1 ranks 3 first.
        ("nightjar", "cold_item", "map", 1.0),
        ("popularity", "cold_item", "auc", 0.5),
    ],
)
def test_metrics_of_a_small_catalogue(
    evaluation: Evaluation, model: str, name: str, metric: str, expected: float
) -> None:
    row = next(row for row in evaluation.metrics if (row.model, row.slice, row.metric) == (model, name, metric))
    assert row.value == pytest.approx(expected)
    assert row.k == (0 if metric == "auc" else 2)


def test_an_empty_slice_is_nan_over_no_users(evaluation: Evaluation) -> None:
    # Every held out item of a user with history is cold here.
    warm = [row for row in evaluation.metrics if row.slice == "warm"]
    assert len(warm) == 2 * OF_A_MODEL + OF_CONSUMED
    assert all(np.isnan(row.value) and row.users == 0 for row in warm)


def test_every_model_slice_and_metric_has_one_row(evaluation: Evaluation) -> None:
    keys = [(row.model, row.slice, row.metric, row.k) for row in evaluation.metrics]
    assert len(keys) == len(set(keys)) == 4 * (2 * OF_A_MODEL + OF_CONSUMED)


def test_exposures_count_every_recommendation(evaluation: Evaluation) -> None:
    assert evaluation.exposures["nightjar"].tolist() == [0, 1, 2, 2, 1]
    assert evaluation.exposures["consumed"].tolist() == [1, 0, 1, 1, 0]


def test_values_of_users_are_those_of_slice_all_in_its_order(evaluation: Evaluation) -> None:
    assert evaluation.of_users["nightjar"]["recall"].tolist() == [1, 1, 0]
    assert evaluation.of_users["nightjar"]["ndcg"].tolist() == pytest.approx([1 / log2(3), 1, 0])
    assert set(evaluation.of_users) == {"nightjar", "popularity"}


def test_an_empty_rank_is_no_hit() -> None:
    truth = sparse.csr_matrix(np.array([[0, 0, 1], [1, 0, 0]], dtype=np.float32))
    # Minus one of row 1 would be the last item of row 0.
    assert hits_of(np.array([[2, -1], [-1, 0]]), truth).tolist() == [[True, False], [False, True]]


def test_a_training_item_that_may_be_a_repeat_competes_and_is_a_hit_where_it_is_consumed_again() -> None:
    # User 0 consumed item 0 again besides item 2, and may be recommended it: 0, 1. The others are as above.
    truth = HOLDOUT + sparse.csr_matrix(([1.0], ([0], [0])), shape=(3, 5), dtype=np.float32)
    left_out = sparse.csr_matrix(np.array([[0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0] * 5], dtype=np.float32))
    slices = holdout_slices(TRAIN, truth.tocsr(), np.ones(5, dtype=bool), seed=1)
    found = evaluate({"nightjar": Ranking(SCORES, np.eye(5, dtype=np.float32))}, slices, TRAIN, 2, left_out)
    values = {each.metric: each.value for each in found.metrics if (each.model, each.slice) == ("nightjar", "all")}
    assert values["recall"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    # Of user 0: item 0 beats 1, 3 and 4, item 2 beats 3 and 4.
    assert values["auc"] == pytest.approx((5 / 6 + 1 + 0) / 3)
    # Popularity counts training users: recommended are items 0, 1, 3, 2, 4, 3, of which 0 had both users, 1 one.
    assert values["average_popularity"] == pytest.approx((1 + 1 / 2) / 6)
