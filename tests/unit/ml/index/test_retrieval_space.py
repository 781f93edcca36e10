import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.index.retrieval_space import append_biases, append_ones

numbers = st.floats(-8, 8, width=32)


def test_the_bias_and_its_factor_are_appended() -> None:
    items = append_biases(np.array([[3.0], [0.0]], np.float32), np.array([4.0, 3.0], np.float32))
    assert items.tolist() == [[3.0, 4.0], [0.0, 3.0]]
    assert append_ones(np.array([[2.0]], np.float32)).tolist() == [[2.0, 1.0]]


@given(
    arrays(np.float32, (6, 3), elements=numbers),
    arrays(np.float32, 6, elements=numbers),
    arrays(np.float32, (2, 3), elements=numbers),
)
def test_the_inner_product_is_the_model_s_score(vectors: np.ndarray, biases: np.ndarray, users: np.ndarray) -> None:
    scores = users.astype(np.float64) @ vectors.T + biases
    assert append_ones(users) @ append_biases(vectors, biases).T == pytest.approx(scores, abs=1e-3)
