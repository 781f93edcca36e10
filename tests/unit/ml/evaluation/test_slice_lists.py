"""Lists of slices in two domains of three items each, every one by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.metrics.recall import recall
from ml.evaluation.slice_lists import exposure_counts, hits_of, list_values, nanmean_of_domains, slice_lists
from nightjar.ranking.ranker import Ranker
from nightjar.ranking.top_k_lists import TopKLists
from tests.support.small_rankers import domains_of, matrix, ranker_by_scores

DOMAINS = domains_of("ababab")
EVERYTHING = np.ones(6, np.bool_)
NOTHING = sparse.csr_matrix((4, 6), dtype=np.float32)
# Domain a is items 0, 2, 4, domain b items 1, 3, 5.
SCORES = np.array([[6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6], [0, 3, 9, 2, 1, 1], [7, 1, 8, 2, 9, 3]], np.float32)


def cut(name: str, users: list[int], is_candidate: NDArray[np.bool_] = EVERYTHING) -> HoldoutSlice:
    return HoldoutSlice(name, np.array(users, np.int64), NOTHING[users], is_candidate)


def as_rows(lists: dict[str, NDArray[np.int64]]) -> dict[str, list[list[int]]]:
    return {domain: recommended.tolist() for domain, recommended in lists.items()}


@dataclass(frozen=True)
class CountingRanker(Ranker):
    """A ranker that remembers for whom it was asked to rank."""

    ranked: list[list[int]] = field(default_factory=list)

    def lists(self, users: NDArray[np.int64], left_out: sparse.csr_matrix, k: int) -> list[TopKLists]:
        self.ranked.append(users.tolist())
        return super().lists(users, left_out, k)


def test_each_domain_has_a_list_and_each_slice_the_rows_of_its_users() -> None:
    ranker = ranker_by_scores(SCORES, NOTHING, domains=DOMAINS)
    counting = CountingRanker(ranker.catalogue, ranker.history, ranker.segments)
    few = np.array([True, True, True, True, False, False])
    slices = [cut("all", [0, 1, 3]), cut("cold_item", [1, 2], few), cut("warm", [1, 2])]
    everybody, some_items, warm = slice_lists(counting, slices, NOTHING, 2)
    assert as_rows(everybody) == {"a": [[0, 2], [4, 2], [4, 2]], "b": [[1, 3], [5, 3], [5, 3]]}
    assert as_rows(warm) == {"a": [[4, 2], [2, 4]], "b": [[5, 3], [1, 3]]}
    assert as_rows(some_items) == {"a": [[2, 0], [2, 0]], "b": [[3, 1], [1, 3]]}
    # Users of several slices with the same candidates are ranked once.
    assert counting.ranked == [[0, 1, 2, 3], [1, 2]]


def test_what_is_left_out_is_in_no_list_and_a_list_ends_where_items_run_out() -> None:
    left_out = matrix([[0] * 6, [0, 0, 1, 0, 1, 1], [0] * 6, [0] * 6])
    ranker = ranker_by_scores(SCORES, NOTHING, domains=DOMAINS)
    [lists] = slice_lists(ranker, [cut("all", [0, 1])], left_out, 2)
    assert as_rows(lists) == {"a": [[0, 2], [0, -1]], "b": [[1, 3], [3, 1]]}


def test_a_slice_without_users_has_lists_without_rows() -> None:
    ranker = ranker_by_scores(SCORES, NOTHING, domains=DOMAINS)
    [lists] = slice_lists(ranker, [cut("cold_item", [])], NOTHING, 2)
    assert {domain: each.shape for domain, each in lists.items()} == {"a": (0, 2), "b": (0, 2)}


def test_a_users_value_is_the_mean_over_the_domains_in_which_they_have_truth() -> None:
    truth = matrix([[1, 1, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0] * 6])
    lists = {"a": np.array([[4, 0], [0, -1], [0, 2]]), "b": np.array([[1, 5], [1, 3], [1, 3]])}
    everybody = HoldoutSlice("all", np.arange(3), truth, EVERYTHING)
    # User 0 finds one of one and one of two, user 1 none of one in a alone, user 2 has no truth.
    [found] = list_values(lists, everybody, DOMAINS, {"recall": recall}).values()
    assert found.tolist() == pytest.approx([(1 + 1 / 2) / 2, 0, np.nan], nan_ok=True)


def test_a_domain_that_is_nan_does_not_count() -> None:
    nan = np.nan
    means = nanmean_of_domains([np.array([1.0, nan, nan]), np.array([0.5, 0.25, nan]), np.array([0.0, nan, nan])])
    assert means.tolist() == pytest.approx([0.5, 0.25, nan], nan_ok=True)


def test_an_empty_rank_is_no_hit() -> None:
    truth = matrix([[0, 0, 1], [1, 0, 0]])
    # Minus one of row 1 would be the last item of row 0.
    assert hits_of(np.array([[2, -1], [-1, 0]]), truth).tolist() == [[True, False], [False, True]]


def test_exposures_are_counted_over_all_domains_for_the_candidates_alone() -> None:
    lists = {"a": np.array([[4, 0], [0, -1]]), "b": np.array([[1, 5], [1, 3]])}
    is_candidate = np.array([True, True, True, True, True, False])
    assert exposure_counts(lists, is_candidate).tolist() == [2, 2, 0, 1, 1]
