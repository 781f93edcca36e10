"""Recall, NDCG, MAP, precision and hit rate: values worked out by hand, and what must hold for any list."""

from collections.abc import Callable
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.evaluation.metrics.average_precision import average_precision
from ml.evaluation.metrics.hit_rate import hit_rate
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.precision import precision
from ml.evaluation.metrics.recall import recall

ALL = [recall, ndcg, average_precision, precision, hit_rate]
HITS = np.array([[True, False, True, False]])


@pytest.mark.parametrize(
    ("metric", "truth_size", "expected"),
    [
        (recall, 2, 1.0),
        (recall, 5, 2 / 4),
        (precision, 2, 2 / 4),
        (precision, 5, 2 / 4),
        (hit_rate, 5, 1.0),
        (average_precision, 2, (1 + 2 / 3) / 2),
        (average_precision, 5, (1 + 2 / 3) / 4),
        (ndcg, 2, (1 + 1 / log2(4)) / (1 + 1 / log2(3))),
        (ndcg, 5, (1 + 1 / log2(4)) / (1 + 1 / log2(3) + 1 / log2(4) + 1 / log2(5))),
    ],
)
def test_hits_at_ranks_one_and_three_of_four(metric: Callable, truth_size: int, expected: float) -> None:
    assert metric(HITS, np.array([truth_size])) == pytest.approx([expected])


@pytest.mark.parametrize("metric", ALL)
def test_an_empty_truth_is_nan_and_does_not_affect_other_users(metric: Callable) -> None:
    values = metric(np.array([[False, False], [False, True]]), np.array([0, 1]))
    assert np.isnan(values[0])
    assert values[1] > 0


@pytest.mark.parametrize("metric", [recall, ndcg, average_precision, hit_rate])
@pytest.mark.parametrize("truth_size", [1, 3, 5, 9])
def test_a_perfect_list_scores_one(metric: Callable, truth_size: int) -> None:
    hits = np.arange(5)[None, :] < truth_size
    assert metric(hits, np.array([truth_size])) == pytest.approx([1.0])


def test_a_hit_at_a_higher_rank_scores_more_in_ndcg_and_average_precision() -> None:
    first, second = np.array([[True, False]]), np.array([[False, True]])
    for metric in (ndcg, average_precision):
        assert metric(first, np.array([1]))[0] > metric(second, np.array([1]))[0]


lists = st.lists(st.booleans(), min_size=1, max_size=12)


@given(hits=lists, unlisted=st.integers(0, 20))
def test_every_metric_stays_between_zero_and_one(hits: list[bool], unlisted: int) -> None:
    size = sum(hits) + unlisted
    for metric in ALL:
        value = metric(np.array([hits]), np.array([size]))[0]
        assert np.isnan(value) if size == 0 else 0.0 <= value <= 1.0 + 1e-12


@given(hits=lists, unlisted=st.integers(0, 20))
def test_a_longer_list_never_loses_hits(hits: list[bool], unlisted: int) -> None:
    size = np.array([sum(hits) + unlisted])
    whole, shorter = np.array([hits]), np.array([hits])[:, :-1]
    if size[0] == 0 or shorter.shape[1] == 0:
        return
    assert hit_rate(whole, size) >= hit_rate(shorter, size)
    # Recall divides by min(k, |truth|): it is its hits that grow with k.
    assert recall(whole, size) * min(len(hits), size[0]) >= recall(shorter, size) * min(len(hits) - 1, size[0])
    assert (
        average_precision(whole, size) * min(len(hits), size[0])
        >= average_precision(shorter, size) * min(len(hits) - 1, size[0]) - 1e-9
    )
