import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightjar.ranking.marginal_relevance import diversified

# Items 0 and 1 point the same way, item 2 across, item 3 the other way, item 4 has no direction.
UNITS = np.array([[1, 0], [1, 0], [0, 1], [-1, 0], [0, 0]], dtype=np.float32)
POOL = np.array([[0, 1, 2, 3]])
SCORES = np.array([[10, 9, 5, 0]], dtype=np.float32)


def test_a_duplicate_of_the_item_above_is_replaced_by_another() -> None:
    # Relevance 1, 0.9, 0.5, 0. After item 0: item 1 is worth 0.45 - 0.5, item 2 0.25, item 3 0 (an opposite is not
    # rewarded). After item 2: item 3 is worth 0, item 1 still -0.05.
    chosen, values = diversified(POOL, SCORES, UNITS, 4, 0.5)
    assert chosen.tolist() == [[0, 2, 3, 1]]
    assert values.tolist() == [pytest.approx([0.5, 0.25, 0.0, -0.05])]


def test_a_small_weight_keeps_the_order_and_a_full_one_ranks_by_diversity_alone() -> None:
    assert diversified(POOL, SCORES, UNITS, 3, 0.1)[0].tolist() == [[0, 1, 2]]
    assert diversified(POOL, SCORES, UNITS, 4, 1.0)[0].tolist() == [[0, 2, 3, 1]]


def test_without_weight_the_pool_is_cut_in_its_order() -> None:
    assert diversified(POOL, SCORES, UNITS, 3, 0.0)[0].tolist() == [[0, 1, 2]]


def test_an_item_with_a_zero_vector_is_never_redundant() -> None:
    # Item 4 keeps (1 - 0.5) * 0.4; item 1 falls to 0.45 - 0.5.
    pool, scores = np.array([[0, 1, 4, 3]]), np.array([[10, 9, 4, 0]], dtype=np.float32)
    # Places in the pool.
    assert diversified(pool, scores, UNITS, 3, 0.5)[0].tolist() == [[0, 2, 3]]


def test_short_pools_end_early_and_empty_ones_stay_empty() -> None:
    pool = np.array([[2, 0, -1], [-1, -1, -1]])
    scores = np.array([[2, 1, -3e38], [-3e38, -3e38, -3e38]], dtype=np.float32)
    chosen, values = diversified(pool, scores, UNITS, 4, 0.5)
    assert chosen.tolist() == [[0, 1, -1, -1], [-1, -1, -1, -1]]
    assert values[1].tolist() == [0, 0, 0, 0]
    assert diversified(np.empty((2, 0), int), np.empty((2, 0), np.float32), UNITS, 2, 0.5)[0].tolist() == [[-1, -1]] * 2


def test_equal_scores_keep_the_order_of_the_pool() -> None:
    chosen, values = diversified(np.array([[2, 4]]), np.ones((1, 2), np.float32), UNITS, 2, 0.3)
    assert chosen.tolist() == [[0, 1]]
    assert np.isfinite(values).all()


@given(
    arrays(np.float32, (3, 8), elements=st.sampled_from(np.float32([-2, 0, 1, 3]))),
    arrays(np.float32, (8, 2), elements=st.sampled_from(np.float32([-1, 0, 1]))),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_every_place_is_chosen_once_the_best_first_and_values_never_rise(
    scores: np.ndarray, vectors: np.ndarray, weight: float
) -> None:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    pool = np.argsort(-scores, axis=1, kind="stable")
    chosen, values = diversified(
        pool, np.take_along_axis(scores, pool, axis=1), vectors / np.where(lengths > 0, lengths, 1), 8, weight
    )
    assert np.sort(chosen, axis=1).tolist() == [list(range(8))] * 3
    assert chosen[:, 0].tolist() == [0, 0, 0]
    assert (np.diff(values, axis=1) <= 0).all()
