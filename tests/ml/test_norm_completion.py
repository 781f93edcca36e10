import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.norm_completion import complete_items, complete_queries

numbers = st.floats(-8, 8, width=32)


def test_bias_and_completion_are_appended() -> None:
    completed = complete_items(np.array([[3.0], [0.0]], np.float32), np.array([4.0, 3.0], np.float32))
    # Squared norms 25 and 9: the second lacks 16.
    assert completed.tolist() == [[3.0, 4.0, 0.0], [0.0, 3.0, 4.0]]
    assert complete_queries(np.array([[2.0]], np.float32)).tolist() == [[2.0, 1.0, 0.0]]


@given(arrays(np.float32, (6, 3), elements=numbers), arrays(np.float32, 6, elements=numbers))
def test_all_items_come_to_the_same_norm(vectors: np.ndarray, biases: np.ndarray) -> None:
    norms = np.linalg.norm(complete_items(vectors, biases), axis=1)
    assert norms == pytest.approx(np.full(6, norms.max()), rel=1e-5)


@given(
    arrays(np.float32, (6, 3), elements=numbers),
    arrays(np.float32, 6, elements=numbers),
    arrays(np.float32, 3, elements=numbers),
)
def test_distance_after_completion_orders_as_the_score_does(
    vectors: np.ndarray, biases: np.ndarray, user: np.ndarray
) -> None:
    scores = vectors.astype(np.float64) @ user + biases
    items, query = complete_items(vectors, biases).astype(np.float64), complete_queries(user[None, :])[0]
    distances = ((items - query) ** 2).sum(axis=1)
    for better, worse in np.argwhere(scores[:, None] > scores[None, :] + 1e-3):
        assert distances[better] < distances[worse]
