"""The users' items in order, their windows, and how the items that are held back are found, by hand."""

import numpy as np
import pytest
from scipy import sparse

from ml.models.sequence_windows import OrderedItems, batches, mean_features, ndcg_of_held_back
from nightjar.contract.artifacts.sources import History
from tests.support.small_rankers import matrix


def of(newest_ranks: list[list[float]]) -> OrderedItems:
    ranks = matrix(newest_ranks)
    return OrderedItems.of(History(ranks.sign(), ranks))


def slices(ordered: OrderedItems, begins: np.ndarray, ends: np.ndarray) -> list[list[int]]:
    return [ordered.items[begin:end].tolist() for begin, end in zip(begins, ends, strict=True)]


def test_items_are_ordered_from_the_oldest_and_counted_among_those_that_occur() -> None:
    # Item 1 has no user; user 1 has nothing.
    ordered = of([[1, 0, 3, 2], [0, 0, 0, 0], [2, 0, 0, 1]])
    assert ordered.warm.tolist() == [0, 2, 3]
    assert ordered.warm[ordered.items].tolist() == [2, 3, 0, 0, 3]
    assert ordered.starts.tolist() == [0, 3, 3, 5]


def test_each_event_but_the_first_and_the_newest_is_the_target_of_one_window() -> None:
    # Of items 0 to 6 the newest is held back: 5 and 4 are targets after 3, 3 and 2 after 1, and 1 after 0.
    ordered = of([[7, 6, 5, 4, 3, 2, 1], [2, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]])
    assert slices(ordered, *ordered.windows(2, held_back=1)) == [[3, 4, 5], [1, 2, 3], [0, 1]]
    assert slices(ordered, *ordered.windows(100, held_back=0)) == [[0, 1, 2, 3, 4, 5, 6], [0, 1]]
    # Of some users alone.
    of_each = np.zeros(len(ordered.starts) - 1, np.int64)
    of_each[0] = 1
    assert slices(ordered, *ordered.windows(100, of_each)) == [[0, 1, 2, 3, 4, 5], [0, 1]]


def test_what_is_read_of_a_user_ends_before_what_is_held_back() -> None:
    ordered = of([[3, 2, 1], [0, 2, 1], [0, 0, 0]])
    users = np.array([0, 1, 2])
    assert slices(ordered, *ordered.newest(users, 2)) == [[1, 2], [1, 2], []]
    assert slices(ordered, *ordered.newest(users, 2, held_back=1)) == [[0, 1], [1], []]


def test_rows_are_filled_up_at_their_ends() -> None:
    ordered = of([[3, 2, 1], [0, 0, 1]])
    rows, lengths = ordered.rows(np.array([0, 3]), np.array([3, 4]))
    assert rows.tolist() == [[0, 1, 2], [2, 0, 0]]
    assert lengths.tolist() == [3, 1]


def test_batches_hold_windows_of_similar_length_and_about_as_many_places() -> None:
    lengths = np.array([2, 9, 3, 30, 8, 2, 7, 2, 2])
    cut = batches(lengths, 18, np.random.default_rng(1))
    # Of one pool, longest first: 30 alone although it is too long, two of 9 places, two of 7, four of 2.
    assert sorted(sorted(lengths[batch].tolist()) for batch in cut) == [[2, 2, 2, 2], [3, 7], [8, 9], [30]]
    again = batches(lengths, 18, np.random.default_rng(1))
    assert [batch.tolist() for batch in cut] == [batch.tolist() for batch in again]
    orders = {tuple(batch[0] for batch in batches(lengths, 18, np.random.default_rng(seed))) for seed in range(5)}
    assert len(orders) > 1


def test_each_window_is_in_one_batch_of_any_pool() -> None:
    lengths = np.full(500, 3)
    cut = batches(lengths, 6, np.random.default_rng(1))
    assert max(len(batch) for batch in cut) == 2
    assert sorted(np.concatenate(cut).tolist()) == [*range(500)]


def test_features_of_an_item_weigh_one_together_and_its_identity_is_none_of_them() -> None:
    features = sparse.csr_matrix(np.array([[1, 1, 3], [1, 0, 0], [0, 0, 2]], np.float32))
    means = mean_features(features, np.array([True, False, False]))
    assert means.toarray().tolist() == [[0.25, 0.75], [0, 0], [0, 1]]


def test_an_item_that_is_held_back_counts_by_its_rank_among_what_the_user_has_not_seen() -> None:
    scores = np.array([[5, 4, 3, 2], [0, 0, 0, 0]], np.float32)
    seen = np.array([[True, False, False, False], [False, False, False, False]])
    # Rank 2 behind item 1; and, of equal scores, the last of four.
    assert ndcg_of_held_back(scores, seen, np.array([2, 0]), 10) == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / 2)
    assert ndcg_of_held_back(scores, seen, np.array([2, 0]), 2) == pytest.approx(1 / np.log2(3) / 2)
