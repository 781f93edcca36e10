"""A catalogue of five items and three users, and one of three domains, every figure by hand."""

from math import log2

import numpy as np
import pytest

from ml.evaluation.evaluate import LIST_METRICS, Evaluation, evaluate, evaluate_alone, recall_at_k, recalls_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, holdout_slices
from ml.evaluation.slice_lists import Evaluated
from nightjar.contract.artifacts.embeddings import TRAINED, UNKNOWN
from nightjar.ranking.ranker import Ranker
from tests.support.small_rankers import domains_of, lists_of, matrix, ranker_by_scores

TRAIN = matrix([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0] * 5])
HOLDOUT = matrix([[0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]])
DOMAIN = np.full(5, "d", object)
# By this ranking user 0 sees 1, 2 | 3, 4, user 1 sees 3, 2 | 4 and user 2 sees 4, 3 | 2, 1, 0.
SCORES = np.array([[9, 8, 7, 2, 1], [9, 8, 2, 3, 1], [1, 2, 3, 4, 5]], dtype=np.float32)
# Metrics of the catalogue; a model has those of top-K lists and AUC besides.
OF_CONSUMED = 5
OF_A_MODEL = len(LIST_METRICS) + OF_CONSUMED + 1


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    ours = ranker_by_scores(SCORES, TRAIN)
    slices = holdout_slices(TRAIN, HOLDOUT, np.ones(5, dtype=bool), seed=1)
    truth = Evaluated(TRAIN, TRAIN, DOMAIN)
    return evaluate({"nightjar": ours, "popularity": ours.without_model()}, slices, truth, k=2)


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


def test_a_training_item_that_may_be_a_repeat_competes_and_is_a_hit_where_it_is_consumed_again() -> None:
    # User 0 consumed item 0 again besides item 2, and may be recommended it: 0, 1. The others are as above.
    truth = HOLDOUT + matrix([[1, 0, 0, 0, 0], [0] * 5, [0] * 5])
    left_out = matrix([[0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0] * 5])
    slices = holdout_slices(TRAIN, truth.tocsr(), np.ones(5, dtype=bool), seed=1)
    found = evaluate({"nightjar": ranker_by_scores(SCORES, TRAIN)}, slices, Evaluated(TRAIN, left_out, DOMAIN), 2)
    values = {each.metric: each.value for each in found.metrics if (each.model, each.slice) == ("nightjar", "all")}
    assert values["recall"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    # Of user 0: item 0 beats 1, 3 and 4, item 2 beats 3 and 4.
    assert values["auc"] == pytest.approx((5 / 6 + 1 + 0) / 3)
    # Popularity counts training users: recommended are items 0, 1, 3, 2, 4, 3, of which 0 had both users, 1 one.
    assert values["average_popularity"] == pytest.approx((1 + 1 / 2) / 6)


# Three domains of three, three and two items; user 2 had item 2.
DOMAINS = domains_of("aaabbbcc")
TOWN = matrix([[0] * 8, [0] * 8, [0, 0, 1, 0, 0, 0, 0, 0]])
TOWN_TRUTH = matrix([[0, 1, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 1, 0]])
# Of one list over all domains user 0 would get 3 and 5 only.
TOWN_SCORES = np.array([[9, 8, 1, 99, 50, 98, 1, 2], [0, 5, 0, 0, 5, 0, 3, 4], [1, 2, 3, 0, 5, 0, 7, 6]], np.float32)
POPULAR = lists_of(
    ("all", "a", [2, 1, 0], [3, 2, 0]),
    ("all", "b", [5, 4, 3], [1, 1, 0]),
    ("all", "c", [6, 7], [0.5, 0.25]),
    ("even", "a", [0], [9]),
)
# A hit at the second rank alone, where two (and where one) could be hit.
SECOND_OF_TWO, SECOND = (1 / log2(3)) / (1 + 1 / log2(3)), 1 / log2(3)


def town_ranker(sources: list[int] | None = None) -> Ranker:
    segments = ["even", None, None]
    return ranker_by_scores(
        TOWN_SCORES, TOWN, domains=DOMAINS, popular=POPULAR, user_sources=sources, segments=segments
    )


@pytest.fixture(scope="module")
def town() -> Evaluation:
    ranker, slices = town_ranker(), holdout_slices(TOWN, TOWN_TRUTH, np.ones(8, dtype=bool), seed=1)
    truth = Evaluated(TOWN, TOWN, DOMAINS)
    return evaluate({"nightjar": ranker, "popularity": ranker.without_model()}, slices, truth, k=2)


@pytest.mark.parametrize(
    ("model", "metric", "expected"),
    [
        # User 0: a 0, 1 finds one of one, b 3, 5 one of two. User 1: c 7, 6. User 2: a 1, 0 and c 6, 7.
        ("nightjar", "recall", [(1 + 1 / 2) / 2, 1, 1]),
        ("nightjar", "precision", [1 / 2, 1 / 2, 1 / 2]),
        ("nightjar", "ndcg", [(SECOND + SECOND_OF_TWO) / 2, 1, (SECOND + 1) / 2]),
        ("popularity", "recall", [1, 1, 1]),
        # User 0: a 2, 1 and b 5, 4; by the list of their segment it would be 0, 2. User 2: a 1, 0 and c 6, 7.
        ("popularity", "ndcg", [(SECOND + 1) / 2, SECOND, (SECOND + 1) / 2]),
    ],
)
def test_a_users_value_is_the_mean_over_the_domains_with_truth(
    town: Evaluation, model: str, metric: str, expected: list[float]
) -> None:
    assert town.of_users[model][metric].tolist() == pytest.approx(expected)
    rows = [row for row in town.metrics if (row.model, row.slice, row.metric) == (model, "all", metric)]
    assert [row.value for row in rows] == pytest.approx([sum(expected) / 3])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # User 0: in a item 1 beats 2 of 0 and 2, in b 4 and 5 do not beat 3. User 2: 0 does not beat 1, 6 beats 7.
        ("nightjar", (1 / 2 + 0) / 2 + 1 + (0 + 1) / 2),
        # User 0: in a item 1 beats 0 of 0 and 2, in b 4 and 5 both beat 3. User 1: 7 does not beat 6.
        ("popularity", (1 / 2 + 1) / 2 + 0 + (0 + 1) / 2),
    ],
)
def test_auc_compares_items_of_one_domain(town: Evaluation, model: str, expected: float) -> None:
    [value] = [row.value for row in town.metrics if (row.model, row.slice, row.metric) == (model, "all", "auc")]
    assert value == pytest.approx(expected / 3)


def test_exposures_count_the_lists_of_all_domains(town: Evaluation) -> None:
    # User 1's lists are 1, 0 of a, 4, 3 of b and 7, 6 of c; user 2's 1, 0 of a, 4, 3 of b.
    assert town.exposures["nightjar"].tolist() == [3, 3, 0, 3, 2, 1, 3, 3]


def test_a_user_unknown_to_the_model_is_ranked_by_the_lists_of_their_segment_then_of_all() -> None:
    sources = [UNKNOWN, UNKNOWN, TRAINED]
    wants = matrix([[1, 0, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0], [0] * 8])
    slices = holdout_slices(TOWN, wants, np.ones(8, dtype=bool), seed=1)[:1]
    found = evaluate({"nightjar": town_ranker(sources)}, slices, Evaluated(TOWN, TOWN, DOMAINS), k=2)
    # User 0 gets 0 of their segment, then 2; user 1, without a segment, 2 and 1.
    assert found.of_users["nightjar"]["ndcg"].tolist() == [1, 0]
    # Of user 0 items 0 and 2 both beat 1, of user 1 item 0 is the last.
    [value] = [row.value for row in found.metrics if row.metric == "auc"]
    assert value == pytest.approx((1 + 0) / 2)


def test_one_ranker_alone_is_measured_as_among_others(town: Evaluation) -> None:
    [everybody] = holdout_slices(TOWN, TOWN_TRUTH, np.ones(8, dtype=bool), seed=1)[:1]
    truth = Evaluated(TOWN, TOWN, DOMAINS)
    alone = evaluate_alone(town_ranker(), "lightfm", everybody, truth, 2)
    assert [(row.model, row.slice, row.metric, row.k, row.users) for row in alone] == [
        ("lightfm", "all", metric, 2, 3) for metric in LIST_METRICS
    ]
    among = {row.metric: row.value for row in town.metrics if (row.model, row.slice) == ("nightjar", "all")}
    assert {row.metric: row.value for row in alone} == {metric: among[metric] for metric in LIST_METRICS}
    assert recalls_at_k(town_ranker(), everybody, truth, 2).tolist() == [3 / 4, 1, 1]
    assert recall_at_k(town_ranker(), everybody, truth, 2) == pytest.approx(11 / 12)


def test_the_recall_of_nobody_is_nan() -> None:
    nobody = HoldoutSlice("all", np.array([], np.int64), TOWN_TRUTH[:0], np.ones(8, np.bool_))
    assert np.isnan(recall_at_k(town_ranker(), nobody, Evaluated(TOWN, TOWN, DOMAINS), 2))
