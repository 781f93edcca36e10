"""The search of weights, on lists whose scores are written down."""

from dataclasses import replace

import numpy as np
import pytest

from ml.evaluation import blend_search
from ml.evaluation.blend_search import ScoredLists, best_weights, likeliest_weights

# What a hit at the second rank adds to NDCG.
SECOND = 1 / np.log2(3)


def lists_of(scores: np.ndarray, is_truth: np.ndarray, k: int = 2) -> ScoredLists:
    everything = np.ones(is_truth.shape, np.bool_)
    return ScoredLists(scores.astype(np.float32), everything, is_truth, is_truth.sum(axis=1), k)


def test_the_value_of_a_list_is_its_recall_plus_its_ndcg() -> None:
    scores = np.array([[[3, 2, 1]], [[1, 2, 9]], [[1, 2, 3]]])
    lists = lists_of(scores, np.array([[0, 1, 0], [0, 1, 1], [1, 0, 0]], np.bool_))
    # The second list has two candidates, and a truth of three.
    candidates = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], np.bool_)
    lists = replace(lists, is_candidate=candidates, sizes=np.array([1, 3, 1]))
    # The truth at the second rank; one of two that a list of two can hold, at the first; the truth at the third rank.
    expected = [1 + SECOND, 1 / 2 + 1 / (1 + SECOND), 0]
    assert lists.values(lists.total(np.array([1.0]))) == pytest.approx(expected)


def test_the_total_is_the_weighted_sum_of_the_sources() -> None:
    lists = lists_of(np.array([[[1, 2], [4, 0], [100, 100]]]), np.array([[1, 0]], np.bool_))
    assert lists.total(np.array([0.5, 0.25, 0])).tolist() == [[1.5, 1]]


def test_the_likeliest_weights_are_those_by_which_the_truth_is_drawn_as_often_as_it_is_found() -> None:
    # The first source sets the truth 1 above the other candidate in three of four lists, the second in nine of ten:
    # exp(weight) is 3 and 9 to 1, so that the second weighs twice as much. The last list says nothing.
    scores = np.array([[[1, 0], [0, 0]]] * 4 + [[[0, 0], [1, 0]]] * 10 + [[[0, 5], [7, 0]]])
    is_first = np.array([1] * 3 + [0] + [1] * 9 + [0], np.bool_)
    is_truth = np.vstack([np.column_stack([is_first, ~is_first]), [[False, False]]])
    lists = lists_of(scores, is_truth)
    count = len(is_truth)
    weights = likeliest_weights(lists, np.full(count, 1 / count), np.array([0.5, 0.5]), np.zeros(2))
    assert weights == pytest.approx([1 / 3, 2 / 3], abs=1e-3)


def test_without_any_truth_among_the_candidates_the_default_weights_are_the_likeliest() -> None:
    lists = lists_of(np.array([[[1, 0], [0, 2]]]), np.zeros((1, 2), np.bool_))
    weights = likeliest_weights(lists, np.ones(1), np.array([0.5, 0.5]), np.array([0.2, 0]))
    assert weights == pytest.approx([0.2 + 0.8 * 3 / 8, 0.8 * 5 / 8])


def noise_and_truth(count: int) -> ScoredLists:
    """Of each list 30 candidates: two sources rank the truth by chance, the third just before all others."""
    draw = np.random.default_rng(2)
    is_truth = np.zeros((count, 30), np.bool_)
    is_truth[np.arange(count), draw.integers(30, size=count)] = True
    scores = draw.normal(size=(count, 3, 30))
    scores[:, 2] = np.where(is_truth, scores[:, 2].max(axis=1, keepdims=True) + 0.01, scores[:, 2])
    return lists_of(scores, is_truth, 5)


def test_a_source_that_ranks_the_truth_first_gets_nearly_all_the_weight() -> None:
    weights = best_weights(noise_and_truth(50), np.array([0.75, 0.25, 0]), np.array([0.05, 0, 0]), 1)
    assert weights.sum() == pytest.approx(1)
    assert 0.05 <= weights[0] < 0.1
    assert weights[2] > 0.8


def test_the_least_holds_although_other_sources_are_raised_after_it() -> None:
    # Each of the sources 1 to 4 finds the truth of a quarter of the lists, so that all of them are raised.
    draw, count = np.random.default_rng(5), 80
    is_truth = np.zeros((count, 30), np.bool_)
    is_truth[:, 7] = True
    scores = draw.normal(size=(count, 5, 30))
    scores[:, 0, 7] = -3
    for source in range(1, 5):
        scores[source - 1 :: 4, source, 7] = 6
    weights = best_weights(lists_of(scores, is_truth), np.array([0.6, 0.1, 0.1, 0.1, 0.1]), np.eye(5)[0] * 0.2, 1)
    assert weights[0] >= 0.2 - 1e-9
    assert weights[1:].min() > 0.02
    assert weights.sum() == pytest.approx(1)


def test_where_no_source_is_better_the_default_weights_stay() -> None:
    scores = np.repeat(np.random.default_rng(3).normal(size=(40, 1, 30)), 2, axis=1)
    default = np.array([0.75, 0.25])
    found = best_weights(
        lists_of(scores, np.eye(40, 30, dtype=np.bool_) | (np.arange(30) == 0)), default, np.zeros(2), 1
    )
    assert found == pytest.approx(default)


def test_equal_lists_and_seeds_give_equal_weights() -> None:
    draw = np.random.default_rng(7)
    is_truth = draw.random((60, 30)) < 0.1
    is_truth[:, 0] = True
    lists = lists_of(draw.normal(size=(60, 3, 30)) + np.array([0.5, 1, 0.7])[:, None] * is_truth[:, None], is_truth)
    first, second = (best_weights(lists, np.full(3, 1 / 3), np.zeros(3), 4) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_at_most_so_many_lists_are_searched_and_those_without_a_candidate_of_the_truth_are_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched, lists = [], noise_and_truth(12)
    lists.is_truth[::3] = False

    def start(lists: ScoredLists, of_lists: np.ndarray, start: np.ndarray, least: np.ndarray) -> np.ndarray:
        searched.append((len(of_lists), lists.is_truth.any(axis=1).tolist()))
        return start

    monkeypatch.setattr(blend_search, "_descend", start)
    for most, expected in ((20, 8), (8, 8), (5, 5)):
        monkeypatch.setattr(blend_search, "MAX_JUDGES", most)
        best_weights(lists, np.full(3, 1 / 3), np.zeros(3), 1)
        assert searched[0] == (expected, [True] * expected)
        # Of a sample those that it has.
        assert len(searched) == 5
        assert all(1 <= count <= expected and all(has_truth) for count, has_truth in searched)
        searched.clear()
