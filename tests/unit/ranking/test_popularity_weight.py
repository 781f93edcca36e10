import numpy as np
import pytest

from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.artifacts.sources import History, HistoryRule, ItemScores, ItemWeights, Source, VectorSource
from nightjar.ranking.blend import blend_of
from nightjar.ranking.popularity_weight import at_popularity_weight, biases_at_popularity_weight
from tests.support.small_models import csr, embeddings_of, unordered

# Users 0 and 1 are trained: their mean is (2, 1). User 2 does not count.
USERS = np.array([[1, 0], [3, 2], [9, 9]], dtype=np.float32)
TRAINED = np.array([True, True, False])
ITEMS = np.array([[1, 0], [0, 4], [1, 1]], dtype=np.float32)
BIASES = np.array([1, 0, -1], dtype=np.float32)
# User 0 holds item 0 with weight 3, user 1 items 0 and 1 with 1 and 4: three parts of eight, and so on.
# The newest of user 1 is item 1.
PAIRS = History(csr([[3, 0, 0], [1, 4, 0]]), csr([[1, 0, 0], [2, 1, 0]]))
WEIGHTS = csr([[0, 0, 2], [6, 0, 4], [0, 0, 0]])


def test_the_mean_score_of_each_item_over_the_trained_users_is_multiplied_by_the_weight() -> None:
    # Mean scores: 2 + 1, 4 + 0, 3 - 1.
    for weight in (0.0, 0.25, 1.0):
        biases = biases_at_popularity_weight(USERS, TRAINED, ITEMS, BIASES, weight)
        assert (USERS[:2] @ ITEMS.T + biases).mean(axis=0) == pytest.approx(weight * np.array([3, 4, 2]))
    # 0.5 * 1 - 0.5 * 2, 0 - 0.5 * 4, 0.5 * -1 - 0.5 * 3.
    assert biases_at_popularity_weight(USERS, TRAINED, ITEMS, BIASES, 0.5).tolist() == [-0.5, -2.0, -2.0]


def test_differences_between_users_do_not_change() -> None:
    difference = (USERS[0] - USERS[1]) @ ITEMS.T
    biases = biases_at_popularity_weight(USERS, TRAINED, ITEMS, BIASES, 0.0)
    scores = USERS @ ITEMS.T + biases
    assert scores[0] - scores[1] == pytest.approx(difference)


def test_a_weight_of_one_changes_no_bit_and_neither_do_biases_without_trained_users() -> None:
    assert biases_at_popularity_weight(USERS, TRAINED, ITEMS, BIASES, 1.0) is BIASES
    assert biases_at_popularity_weight(USERS, np.zeros(3, bool), ITEMS, BIASES, 0.5) is BIASES
    for fitted in (ItemWeights(WEIGHTS), VectorSource(USERS, ITEMS, BIASES), ItemScores(BIASES)):
        assert at_popularity_weight(fitted, PAIRS, 1.0) is fitted


def average_of(rule: HistoryRule, weight: float) -> list[float]:
    weighted = at_popularity_weight(ItemWeights(WEIGHTS, rule), PAIRS, weight)
    assert isinstance(weighted, ItemWeights)
    assert weighted.average is not None
    return weighted.average.tolist()


def test_the_average_is_the_score_of_the_history_of_all_users_per_weight() -> None:
    # Halves of all weight lie on items 0 and 1: they say (6, 0, 2 + 4) / 2.
    assert average_of(HistoryRule(), 0.25) == pytest.approx([0.75 * 3, 0.0, 0.75 * 3])


def test_a_user_with_the_average_history_gets_no_score_at_weight_zero() -> None:
    weighted = Source("ease", 1.0, at_popularity_weight(ItemWeights(WEIGHTS), PAIRS, 0.0))
    blend = blend_of(ModelSources(embeddings_of(USERS, ITEMS, item_biases=BIASES), (weighted,)))
    history = unordered([[5, 5, 0]])
    assert blend.scores({LIGHTFM: USERS[:1]}, history).total()[0] == pytest.approx([0, 0, 0], abs=1e-6)


def test_the_average_history_is_raised_as_each_users_own_is() -> None:
    # Squares: 9 + 1 on item 0 and 16 on item 1, of 26 in all; they say (6 * 16, 0, 2 * 10 + 4 * 16) / 26.
    assert average_of(HistoryRule(2.0), 0.0) == pytest.approx([96 / 26, 0.0, 84 / 26])


def test_the_average_history_has_the_newest_items_alone_where_no_other_counts() -> None:
    # Item 0 has 3 of user 0 and item 1 has 4 of user 1, of 7 in all.
    assert average_of(HistoryRule(1.0, newest=1), 0.0) == pytest.approx([24 / 7, 0.0, (2 * 3 + 4 * 4) / 7])


def test_vectors_lose_a_part_of_the_mean_score_of_the_users_with_a_pair() -> None:
    pairs = unordered([[3, 0, 0], [1, 4, 0], [0, 0, 0]])
    weighted = at_popularity_weight(VectorSource(USERS, ITEMS, BIASES), pairs, 0.5)
    assert isinstance(weighted, VectorSource)
    assert weighted.item_biases.tolist() == [-0.5, -2.0, -2.0]
    assert weighted.item_vectors is ITEMS


def test_item_scores_stay_as_they_are() -> None:
    fitted = ItemScores(BIASES)
    assert at_popularity_weight(fitted, PAIRS, 0.0) is fitted
