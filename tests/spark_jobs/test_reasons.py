import numpy as np

from spark_jobs.lists import Pairs
from spark_jobs.reasons import NEWEST, nearest_own

# Items 0 and 1 point along the axes, 2 lies between them (nearer to 1), 3 has no direction, 4 is equal to 1.
UNITS = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0], [0, 1]], np.float32)


def reasons(listed, rows, items):
    return nearest_own(UNITS, np.array(listed), Pairs(np.array(rows, np.int64), np.array(items, np.int64))).tolist()


def test_the_reason_is_the_own_item_with_the_highest_cosine() -> None:
    assert reasons([[2], [2]], [0, 0, 1], [0, 1, 0]) == [[1], [0]]


def test_of_equal_cosines_the_newer_item_is_the_reason() -> None:
    assert reasons([[2], [2]], [0, 0, 1, 1], [1, 4, 4, 1]) == [[1], [4]]


def test_there_is_no_reason_without_own_items_or_without_a_direction() -> None:
    assert reasons([[2, 3], [2, -1]], [0], [0]) == [[0, -1], [-1, -1]]
    assert reasons([[2]], [0], [3]) == [[-1]]
    assert reasons([[2]], [], []) == [[-1]]


def test_only_the_newest_own_items_with_a_direction_count() -> None:
    older, newer = [1], [0] * (NEWEST - 1)
    assert reasons([[2]], [0] * (NEWEST + 1), [3, *newer, *older]) == [[1]]
    assert reasons([[2]], [0] * (NEWEST + 2), [3, *newer, 0, *older]) == [[0]]
