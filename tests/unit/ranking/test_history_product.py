"""The product of histories and item weights, by hand and against scipy's own."""

import numpy as np
import pytest
from scipy import sparse

from nightjar.ranking.history_product import history_product


def csr(rows: list[list[float]]) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(rows, np.float32))


def test_a_users_items_add_up_their_weights() -> None:
    product = history_product(csr([[1, 0.5], [0, 0]]), csr([[0, 2, 3], [4, 0, -6]]))
    assert product.dtype == np.float32
    assert product.tolist() == [[2, 2, 0], [0, 0, 0]]


@pytest.mark.parametrize("density", [0.02, 0.5, 1.0])
def test_it_has_the_bits_of_the_sparse_product(density: float) -> None:
    # Full weights have more products than the result has cells.
    draw = np.random.default_rng(5)
    history = sparse.random(40, 90, 0.3, "csr", np.float32, draw)
    weights = sparse.random(90, 70, density, "csr", np.float32, draw)
    assert history_product(history, weights).tobytes() == (history @ weights).toarray().tobytes()


@pytest.mark.parametrize(("users", "columns"), [(0, 3), (2, 0), (2, 3)])
def test_without_entries_it_is_zero(users: int, columns: int) -> None:
    history, weights = (sparse.csr_matrix(shape, dtype=np.float32) for shape in ((users, 4), (4, columns)))
    assert history_product(history, weights).tolist() == np.zeros((users, columns)).tolist()
