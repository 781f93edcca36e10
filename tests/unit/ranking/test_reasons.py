import numpy as np
from scipy import sparse

from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import COLD, HistoryRule, ItemScores, ItemWeights, Source
from nightjar.ranking.blend import Blend, blend_of
from nightjar.ranking.reasons import NEWEST, nearest_own, reason_items, strongest_own
from nightjar.ranking.top_k_lists import OwnItems, place_in_row
from tests.support.small_models import csr, embeddings_of

# Items 0 and 1 point along the axes, 2 lies between them (nearer to 1), 3 has no direction, 4 is equal to 1.
UNITS = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0], [0, 1]], np.float32)


def nearest(listed, rows, items):
    return nearest_own(UNITS, np.array(listed), pairs(rows, items, [1] * len(rows))).tolist()


def pairs(rows, items, weights):
    rows = np.array(rows, np.int64)
    ranks = (place_in_row(rows) + 1).astype(np.float32)
    return OwnItems(rows, np.array(items, np.int64), np.array(weights, np.float32), ranks)


def test_the_reason_is_the_own_item_with_the_highest_cosine() -> None:
    assert nearest([[2], [2]], [0, 0, 1], [0, 1, 0]) == [[1], [0]]


def test_of_equal_cosines_the_newer_item_is_the_reason() -> None:
    assert nearest([[2], [2]], [0, 0, 1, 1], [1, 4, 4, 1]) == [[1], [4]]


def test_there_is_no_reason_without_own_items_or_without_a_vector() -> None:
    assert nearest([[2, 3], [2, -1]], [0], [0]) == [[0, -1], [-1, -1]]
    assert nearest([[2]], [0], [3]) == [[-1]]
    assert nearest([[2]], [], []) == [[-1]]


def test_a_seen_item_without_a_positive_event_is_no_reason() -> None:
    # Item 1 is nearer to 2, but counts nothing; user 1 liked nothing.
    own = pairs([0, 0, 1], [1, 0, 1], [0, 1, 0])
    assert nearest_own(UNITS, np.array([[2], [2]]), own).tolist() == [[0], [-1]]


def test_only_the_newest_own_items_with_a_vector_count() -> None:
    older, newer = [1], [0] * (NEWEST - 1)
    assert nearest([[2]], [0] * (NEWEST + 1), [3, *newer, *older]) == [[1]]
    assert nearest([[2]], [0] * (NEWEST + 2), [3, *newer, 0, *older]) == [[0]]


# Row: own item. Item 0 speaks for 2 with 3 and against 3, item 1 for 2 with 2, item 4 for 3.
WEIGHTS = sparse.csr_matrix(
    np.array([[0, 0, 3, -1, 0], [0, 0, 2, 0, 0], [0] * 5, [0] * 5, [0, 0, 0, 5, 0]], np.float32)
)
BY_WEIGHT = HistoryRule()


def test_the_strongest_own_item_is_the_one_with_the_largest_part_in_the_score() -> None:
    # 0.5 x 3 is less than 1 x 2; with equal weights 3 beats 2.
    assert strongest_own(
        WEIGHTS, BY_WEIGHT, np.array([[2], [2]]), pairs([0, 0, 1, 1], [0, 1, 0, 1], [0.5, 1, 1, 1])
    ).tolist() == [
        [1],
        [0],
    ]


def test_an_exponent_favours_the_own_item_with_more_weight() -> None:
    # 1 x 3 against 1.2 x 2, but 1 x 3 against 1.2^3 x 2.
    own = pairs([0, 0], [0, 1], [1, 1.2])
    assert strongest_own(WEIGHTS, BY_WEIGHT, np.array([[2]]), own).tolist() == [[0]]
    assert strongest_own(WEIGHTS, HistoryRule(3.0), np.array([[2]]), own).tolist() == [[1]]


def test_a_rule_that_decays_or_counts_the_newest_favours_the_newer_own_item() -> None:
    # Item 1 is the newest and says 2; item 0, a rank older, 3: 3 / e is 1.10, 3 / e^(1/3) is 2.15.
    own = pairs([0, 0], [1, 0], [1, 1])
    assert strongest_own(WEIGHTS, BY_WEIGHT, np.array([[2]]), own).tolist() == [[0]]
    assert strongest_own(WEIGHTS, HistoryRule(1.0, decay=3.0), np.array([[2]]), own).tolist() == [[0]]
    assert strongest_own(WEIGHTS, HistoryRule(1.0, decay=1.0), np.array([[2]]), own).tolist() == [[1]]
    assert strongest_own(WEIGHTS, HistoryRule(1.0, newest=1), np.array([[2]]), own).tolist() == [[1]]


def test_nothing_is_strongest_where_no_liked_own_item_adds_to_the_score() -> None:
    # Against it, no weight between the two, seen but not liked, an empty rank, no own items at all.
    assert strongest_own(WEIGHTS, BY_WEIGHT, np.array([[3, 1, -1]]), pairs([0], [0], [1])).tolist() == [[-1, -1, -1]]
    assert strongest_own(WEIGHTS, BY_WEIGHT, np.array([[3]]), pairs([0], [4], [0])).tolist() == [[-1]]
    assert strongest_own(WEIGHTS, BY_WEIGHT, np.array([[3]]), pairs([], [], [])).tolist() == [[-1]]


def blend(*others: Source, item_sources=(2, 2, 2, 2, 2)) -> Blend:
    return blend_of(ModelSources(embeddings_of([[1, 0]], UNITS, item_sources=item_sources), others))


def ease(weights=WEIGHTS) -> Source:
    return Source("ease", 0.5, ItemWeights(weights))


def test_item_weights_are_the_reason_before_cosine() -> None:
    # By cosine item 1 lies nearest to 2; item 0 speaks for it. Item 1 is no reason for itself: only cosine names one.
    seen = pairs([0, 0], [1, 0], [1, 1])
    assert reason_items(UNITS, blend(ease()), np.array([[2, 1]]), seen).tolist() == [[0, 0]]
    assert reason_items(UNITS, blend(), np.array([[2, 1]]), seen).tolist() == [[1, 0]]
    popular = Source("popular", 0.5, ItemScores(np.ones(5, np.float32)))
    assert reason_items(UNITS, blend(popular), np.array([[2, 1]]), seen).tolist() == [[1, 0]]


def test_of_several_sources_of_item_weights_the_first_that_adds_something_gives_the_reason() -> None:
    # The second speaks by item 1 for 2 and for 3; of item 3 the first says nothing.
    second = Source("other", 0.3, ItemWeights(csr([[0] * 5, [0, 0, 9, 9, 0], *[[0] * 5] * 3])))
    seen = pairs([0, 0], [0, 1], [1, 1])
    assert reason_items(UNITS, blend(ease(), second), np.array([[2, 3]]), seen).tolist() == [[0, 1]]
    assert reason_items(UNITS, blend(second, ease()), np.array([[2, 3]]), seen).tolist() == [[1, 1]]


def test_the_reason_for_a_cold_item_comes_from_the_source_of_cold_items() -> None:
    # Items 2 and 4 are cold, the columns 0 and 1 of what content scores: item 0 speaks for 4, item 1 for 2. By cosine
    # it is item 1 for both.
    content = Source("content", 0.5, ItemWeights(csr([[0, 0, 0, 0, 3], [0, 0, 1, 0, 0], *[[0] * 5] * 3])), COLD)
    seen = pairs([0, 0], [0, 1], [1, 1])
    model = blend(content, item_sources=(2, 2, 1, 2, 1))
    assert reason_items(UNITS, model, np.array([[4, 2, 3, -1]]), seen).tolist() == [[0, 1, -1, -1]]
