"""Mean and deviation of scores over groups of items, by hand."""

import numpy as np
import pytest

from nightjar.ranking.item_groups import group_of, inverse_or_zero, queries_of

# Of a vector and a bias; the last item is no member. The user's vector 2 scores 2, 5, 8 | 100: mean 5, variance 6.
VECTORS = np.float32([[1, 0], [2, 1], [4, 0], [50, 0]])
IS_MEMBER = np.array([True, True, True, False])
USER = np.float32([[2]])


def test_the_deviation_is_that_of_the_members_scores() -> None:
    group = group_of(IS_MEMBER, VECTORS)
    assert group.items.tolist() == [0, 1, 2]
    assert group.is_member.tolist() == [1, 1, 1, 0]
    assert group.deviation(np.array([[2.0, 1.0]])) == pytest.approx([np.sqrt(6)])


def test_queries_give_standardised_scores_of_all_items() -> None:
    queries = queries_of(np.concatenate([USER, USER]), group_of(IS_MEMBER, VECTORS), np.array([True, False]))
    scores = queries.scores(VECTORS)
    assert scores[0] == pytest.approx(np.array([-3, 0, 3, 95]) / np.sqrt(6), abs=1e-5)
    # Without a signal all is 0, the biases too.
    assert scores[1].tolist() == [0, 0, 0, 0]
    assert queries.of(np.array([1])).mean.tolist() == [0]


def test_what_deviates_by_rounding_does_not_vary() -> None:
    deviation, mean = np.array([2.0, 1e-10, 1e-4, 1e-4]), np.array([0.0, 0.0, 1.0, 1000.0])
    assert inverse_or_zero(deviation, mean).tolist() == [0.5, 0, 1e4, 0]
