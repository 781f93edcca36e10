"""The product of histories and item weights, by hand and against a dense product."""

import numpy as np
import pytest
from scipy import sparse

from nightjar.contract.artifacts.sources import History, HistoryRule
from nightjar.ranking.history_product import WeighedHistory, add_history_products
from tests.support.small_models import csr, unordered


def product(history: History, weights: sparse.csr_matrix, *rules: HistoryRule) -> list[np.ndarray]:
    weighed = [WeighedHistory.of(history, rule) for rule in rules or [HistoryRule()]]
    sums = [np.zeros((history.weights.shape[0], weights.shape[1]), np.float32) for _ in weighed]
    add_history_products(weighed, weights, sums)
    return sums


def test_a_users_items_add_up_their_weights() -> None:
    [found] = product(unordered([[1, 0.5], [0, 0]]), csr([[0, 2, 3], [4, 0, -6]]))
    assert found.tolist() == [[2, 2, 0], [0, 0, 0]]


def test_each_rule_weighs_the_same_history_in_its_own_way() -> None:
    # Item 2 is the newest, before it 0; by the second rule it counts alone, and by the third all weigh alike.
    history = History(csr([[3, 0, 2]]), csr([[2, 0, 1]]))
    weights = csr([[1, 0], [50, 50], [0, 10]])
    rules = HistoryRule(2.0), HistoryRule(1.0, newest=1), HistoryRule(0.0)
    assert [each.tolist() for each in product(history, weights, *rules)] == [[[9, 40]], [[0, 20]], [[1, 10]]]


def test_a_weighed_history_has_the_items_that_count_user_after_user() -> None:
    history = History(csr([[3, 0, 2], [0, 0, 0], [0, 5, 0]]), csr([[2, 0, 1], [0, 0, 0], [0, 1, 0]]))
    weighed = WeighedHistory.of(history, HistoryRule(1.0, newest=1))
    parts = weighed.starts.tolist(), weighed.items.tolist(), weighed.weights.tolist()
    assert parts == ([0, 1, 1, 2], [2, 1], [2, 5])
    assert weighed.sizes().tolist() == [2, 0, 5]
    assert WeighedHistory.of(history, HistoryRule()).sizes().tolist() == [5, 0, 5]


def test_the_order_in_which_a_matrix_has_its_items_does_not_matter() -> None:
    # Items 2 and 0 of the one user, with the weights 2 and 3.
    parts = np.array([2, 0]), np.array([0, 2])
    history = History(*(sparse.csr_matrix((np.float32(data), *parts), shape=(1, 3)) for data in ([2, 3], [1, 2])))
    assert product(history, csr([[1, 0], [0, 0], [1, 1]]))[0].tolist() == [[5, 2]]


@pytest.mark.parametrize("density", [0.02, 0.5, 1.0])
def test_it_is_the_product_of_the_matrices(density: float) -> None:
    # Whole numbers add up exactly in any order.
    draw = np.random.default_rng(5)
    dense = [
        np.floor(draw.integers(1, 9, shape) * (draw.random(shape) < of))
        for shape, of in (((40, 90), 0.3), ((90, 70), density))
    ]
    [found] = product(unordered(dense[0]), csr(dense[1]))
    assert found.tolist() == (dense[0] @ dense[1]).tolist()


@pytest.mark.parametrize(("users", "columns"), [(0, 3), (2, 0), (2, 3)])
def test_without_entries_it_is_zero(users: int, columns: int) -> None:
    history, weights = (sparse.csr_matrix(shape, dtype=np.float32) for shape in ((users, 4), (4, columns)))
    assert product(History.unordered(history), weights)[0].tolist() == np.zeros((users, columns)).tolist()
