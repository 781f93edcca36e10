import numpy as np

from ml.index.exact_search import ExactSearch

# Products with the first axis: 3, 3, 1, 0; with the second: 0, 1, 3, 3.
VECTORS = np.array([[3, 0], [3, 1], [1, 3], [0, 3]], np.float32)
AXES = np.array([[1, 0], [0, 1]], np.float32)


def test_equal_products_are_in_the_order_of_the_positions() -> None:
    assert ExactSearch(AXES, VECTORS).best(3).tolist() == [[0, 1, 2], [2, 3, 1]]
    # Where the cut falls between equals.
    assert ExactSearch(AXES, VECTORS).best(1).tolist() == [[0], [2]]


def test_the_own_position_of_a_query_does_not_count() -> None:
    # Products of vector 1 with the others: 9, 6, 3; of vector 2: 3, 6, 9.
    assert ExactSearch(VECTORS[[1, 2]], VECTORS).best(2, np.array([1, 2])).tolist() == [[0, 2], [3, 1]]


def test_more_than_there_are_end_with_no_position() -> None:
    assert ExactSearch(AXES[:1], VECTORS[:2]).best(4).tolist() == [[0, 1, -1, -1]]
    assert ExactSearch(AXES[:1], VECTORS[:0]).best(2).tolist() == [[-1, -1]]


def test_positions_are_scored_by_their_product_with_the_query() -> None:
    assert ExactSearch(AXES, VECTORS).scores(np.array([[2, 0], [3, 1]])).tolist() == [[1, 3], [3, 1]]
