"""The standardised scores of the sources of item weights, by hand."""

import numpy as np
import pytest

from nightjar.contract.artifacts.sources import HistoryRule, ItemWeights
from nightjar.ranking.history_scores import HistoryScores
from tests.support.small_models import csr, unordered

# Own item 0 scores 0, 3, -3 and own item 1 scores 6, 0, 0; item 3 is no member.
WEIGHTS = csr([[0, 3, -3, 0], [6, 0, 0, 0], *[[0] * 4] * 2])
MEMBERS = np.float32([1, 1, 1, 0])
ROWS = np.array([0, 1])


def test_each_source_has_the_mean_and_the_deviation_of_the_members() -> None:
    other = csr([[9, 0, 0, 0], *[[0] * 4] * 3])
    sources = ItemWeights(WEIGHTS), ItemWeights(other), ItemWeights(WEIGHTS, HistoryRule(0.0))
    found = HistoryScores.of(sources, unordered([[2, 1, 0, 0], [0, 0, 0, 0]]), MEMBERS)
    assert found.raw[0].tolist() == [[6, 6, -6, 0], [18, 0, 0, 0], [6, 3, -3, 0]]
    assert found.mean[0].tolist() == [2, 6, 2]
    assert found.scale[0] == pytest.approx([1 / np.sqrt(32), 1 / np.sqrt(72), 1 / np.sqrt(14)])
    assert found.scale[1].tolist() == [0, 0, 0]
    assert found.standardised(1, ROWS)[:, :3] == pytest.approx(np.array([[12, -6, -6], [0] * 3]) / np.sqrt(72))
    assert found.standardised(2, ROWS[:1], np.array([[2, 0]])) == pytest.approx(np.array([[-5, 4]]) / np.sqrt(14))


def test_the_weighed_scores_are_the_sum_over_the_sources() -> None:
    sources = ItemWeights(WEIGHTS), ItemWeights(WEIGHTS, HistoryRule(0.0))
    found = HistoryScores.of(sources, unordered([[2, 1, 0, 0], [0, 1, 0, 0]]), MEMBERS)
    weights = np.float32([[0.5, 1], [1, 0]])
    assert found.weighed(weights).tolist() == [[9, 6, -6, 0], [6, 0, 0, 0]]


def test_a_small_deviation_beside_a_large_mean_keeps_its_digits() -> None:
    # Mean 1001, variance 2/3: of the sum of the squares, 3 million, float32 loses a quarter.
    weights = csr([[1000, 1001, 1002, 0], *[[0] * 4] * 3])
    found = HistoryScores.of([ItemWeights(weights)], unordered([[1, 0, 0, 0]]), MEMBERS)
    assert found.mean.tolist() == [[1001]]
    assert found.scale[0, 0] == pytest.approx(1 / np.sqrt(2 / 3), rel=1e-4)


def test_equal_scores_do_not_vary() -> None:
    weights = csr([[7, 7, 7, 0], *[[0] * 4] * 3])
    found = HistoryScores.of([ItemWeights(weights)], unordered([[0.3, 0, 0, 0]]), MEMBERS)
    assert found.scale.tolist() == [[0]]


def test_the_average_counts_by_the_size_of_a_history_with_a_weight() -> None:
    source = ItemWeights(WEIGHTS, average=np.float32([1, 0, 0, 0]))
    found = HistoryScores.of([source], unordered([[2, 0, 0, 0], [0, 0, 5, 0]]), MEMBERS)
    # 0, 6, -6 less 2, 0, 0; the second user's item has no weight for any.
    assert found.raw[0, 0].tolist() == [-2, 6, -6, 0]
    assert found.scale[:, 0] == pytest.approx([1 / np.sqrt(76 / 3 - 4 / 9), 0])
