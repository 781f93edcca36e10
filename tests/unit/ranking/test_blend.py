"""The blend that recommendations are ranked by, against figures by hand or by a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.ranking.blend import LOWEST, Blend, best_columns, blend_of

# Items 0 to 2 have interactions, 3 only features, 4 is unknown. The last dimension of a score is the bias.
VECTORS = np.array([[1, 0], [2, 0], [3, 0], [5, 0], [9, 9]], np.float32)
BIASES = np.zeros(5, np.float32)
KNOWN = np.array([2, 2, 2, 1, 0], np.int8)
# Own item 0 speaks for item 1 with 3 and against item 2 with 3.
WEIGHTS = sparse.csr_matrix(np.array([[0, 3, -3, 0, 0], *[[0] * 5] * 4], np.float32))


def blend(blend_weight: float, exponent: float = 1.0) -> Blend:
    return blend_of(ItemWeights(blend_weight, exponent, WEIGHTS), VECTORS, BIASES, KNOWN)


def history(*weights: float) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array([weights], np.float32))


def test_both_parts_are_standardised_over_the_items_with_interactions() -> None:
    # Embedding scores 1, 2, 3 | 5: mean 2, variance 2/3. Co-occurrence 0, 6, -6: mean 0, variance 24.
    scores = blend(0.25).scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    embedding, cooccurrence = np.array([-1, 0, 1]) / np.sqrt(2 / 3), np.array([0, 6, -6]) / np.sqrt(24)
    assert scores[:3] == pytest.approx(0.75 * embedding + 0.25 * cooccurrence, abs=1e-6)


def test_the_average_is_subtracted_in_proportion_to_the_size_of_the_history() -> None:
    # From 0, 6, -6 the average subtracts 2 * (0, 1, -2): 0, 4, -2, mean 2/3, variance 56/9.
    average = np.array([0, 1, -2, 0, 0], np.float32)
    model = blend_of(ItemWeights(1.0, 1.0, WEIGHTS, average), VECTORS, BIASES, KNOWN)
    scores = model.scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    assert scores[:3] == pytest.approx((np.array([0, 4, -2]) - 2 / 3) / np.sqrt(56 / 9), abs=1e-6)
    assert scores[3] == 0


def test_a_history_without_weights_gets_no_negative_average() -> None:
    average = np.array([0, 1, -2, 0, 0], np.float32)
    model = blend_of(ItemWeights(1.0, 1.0, WEIGHTS, average), VECTORS, BIASES, KNOWN)
    # Item 1 has no weight for any other.
    assert model.scores(np.array([[1, 7]], np.float32), history(0, 3, 0, 0, 0))[0][:4].tolist() == [0, 0, 0, 0]


def test_an_item_without_interactions_competes_by_its_embedding_and_an_unknown_one_not_at_all() -> None:
    scores = blend(0.25).scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    assert scores[3] == pytest.approx(0.75 * 3 / np.sqrt(2 / 3))
    assert scores[4] == LOWEST


def test_cold_items_are_standardised_among_themselves_about_their_embedding_scores() -> None:
    # As above, with items 3 and 4 of scores 5 and 7: terms of 3 and 5, mean 4, spread 1, in units of the root of 2/3.
    # Own item 0 speaks for item 3 with 2, against item 4 with 2: c is 1 and -1 spreads from their mean.
    vectors = np.array([[1, 0], [2, 0], [3, 0], [5, 0], [7, 0]], np.float32)
    known, unit = np.array([2, 2, 2, 1, 1], np.int8), np.sqrt(2 / 3)
    weights = sparse.csr_matrix(np.array([[0, 3, -3, 2, -2], *[[0] * 5] * 4], np.float32))
    rule = blend_of(ItemWeights(0.25, 1.0, weights, cold_blend_weight=0.75), vectors, BIASES, known)
    scores = rule.scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    assert scores[3:] == pytest.approx([(0.25 * 3 + 0.75 * 5) / unit, (0.25 * 5 + 0.75 * 3) / unit], abs=1e-5)
    without = blend(0.25).scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    assert scores[:3].tolist() == without[:3].tolist()
    # An average history of the size 2 scores 10 for item 3, the own one 4: now item 4 is 1 standard deviation above.
    average = np.array([0, 0, 0, 5, 0], np.float32)
    rule = blend_of(ItemWeights(0.25, 1.0, weights, average, 0.75), vectors, BIASES, known)
    scores = rule.scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    assert scores[3:] == pytest.approx([3 / unit, 5 / unit], abs=1e-5)
    # For a user whose history has no weight for them, and for a single one, the embedding decides.
    scores = rule.scores(np.array([[1, 7]], np.float32), history(0, 3, 0, 0, 0))[0]
    assert scores[3:] == pytest.approx([(0.25 * 3 + 0.75 * 4) / unit, (0.25 * 5 + 0.75 * 4) / unit], abs=1e-5)
    alone = blend_of(
        ItemWeights(0.25, 1.0, weights, cold_blend_weight=0.75), vectors, BIASES, np.array([2, 2, 2, 1, 0], np.int8)
    )
    scores = alone.scores(np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))[0]
    assert scores[3] == pytest.approx(3 / unit, abs=1e-5)


def test_without_a_blend_weight_cold_items_score_as_without_weights() -> None:
    weights = sparse.csr_matrix(np.array([[0, 3, -3, 2, 0], *[[0] * 5] * 4], np.float32))
    rule = blend_of(ItemWeights(0.25, 1.0, weights, cold_blend_weight=0.0), VECTORS, BIASES, KNOWN)
    one_user = (np.array([[1, 7]], np.float32), history(2, 0, 0, 0, 0))
    assert rule.scores(*one_user).tolist() == blend(0.25).scores(*one_user).tolist()


def test_without_a_history_or_without_spread_the_other_part_decides() -> None:
    one_user = np.array([[1, 0]], np.float32)
    by_embedding = blend(0.5).scores(one_user, history(0, 0, 0, 0, 0))[0]
    assert by_embedding[:4] == pytest.approx(0.5 * np.array([-1, 0, 1, 3]) / np.sqrt(2 / 3))
    nothing = blend(0.5).scores(np.zeros((1, 2), np.float32), history(0, 0, 0, 0, 0))[0]
    assert nothing.tolist() == [0, 0, 0, 0, LOWEST]


def test_the_exponent_sharpens_the_history() -> None:
    # Weights 1 and 3 to the power of 2 are 1 and 9.
    one_user = np.array([[1, 7]], np.float32)
    weights = sparse.csr_matrix(np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], *[[0] * 5] * 3], np.float32))
    squared = blend_of(ItemWeights(1.0, 2.0, weights), VECTORS, BIASES, KNOWN).scores(one_user, history(1, 3, 0, 0, 0))
    plain = blend_of(ItemWeights(1.0, 1.0, weights), VECTORS, BIASES, KNOWN).scores(one_user, history(1, 9, 0, 0, 0))
    assert squared.tolist() == plain.tolist()
    flat = blend_of(ItemWeights(1.0, 0.0, weights), VECTORS, BIASES, KNOWN).scores(one_user, history(5, 3, 0, 0, 0))
    ones = blend_of(ItemWeights(1.0, 1.0, weights), VECTORS, BIASES, KNOWN).scores(one_user, history(1, 1, 0, 0, 0))
    assert flat.tolist() == ones.tolist()


def test_no_factor_on_a_history_or_a_vector_changes_a_score() -> None:
    one = blend(0.5).scores(np.array([[1, 7]], np.float32), history(2, 1, 0, 0, 0))
    other = blend(0.5).scores(np.array([[10, 70]], np.float32), history(600, 300, 0, 0, 0))
    assert one == pytest.approx(other, abs=1e-6)


@settings(max_examples=200)
@given(
    arrays(np.float32, (3, 70), elements=st.sampled_from(np.float32([0, 1, 2, 3, LOWEST]))),
    st.integers(1, 80),
)
def test_the_best_columns_are_those_of_a_full_stable_sort(scores: np.ndarray, k: int) -> None:
    columns, values = best_columns(scores, k)
    for row in range(3):
        expected = [int(each) for each in np.argsort(-scores[row], kind="stable") if scores[row, each] > LOWEST][:k]
        assert columns[row].tolist() == expected + [-1] * (k - len(expected))
        assert values[row].tolist() == [*scores[row, expected], *[LOWEST] * (k - len(expected))]


def test_no_column_gives_empty_ranks() -> None:
    columns, values = best_columns(np.empty((2, 0), np.float32), 2)
    assert columns.tolist() == [[-1, -1], [-1, -1]]
    assert (values == LOWEST).all()
