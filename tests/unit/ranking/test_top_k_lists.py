import numpy as np
import pytest

from nightjar.ranking.catalogue import PopularityList
from nightjar.ranking.top_k_lists import COLD_USER, POPULAR, SEGMENT_POPULAR, OwnItems, TopKLists, UserItemPairs


def pairs(rows, items) -> UserItemPairs:
    return UserItemPairs(np.array(rows, np.int64), np.array(items, np.int64))


def ranked(items) -> PopularityList:
    return PopularityList(np.array(items, np.int64), np.arange(len(items), 0, -1).astype(np.float32))


def test_empty_ranks_are_filled_with_the_best_items_neither_seen_nor_listed() -> None:
    lists = TopKLists.empty(3, 3, 1)
    lists.items[0, :1] = 7
    lists.items[1] = [1, 2, 3]
    lists.fill(np.arange(3), ranked([9, 8, 7, 6, 5]), pairs([0, 0, 2, 2], [9, 4, 9, 8]), POPULAR)
    assert lists.items.tolist() == [[7, 8, 6], [1, 2, 3], [7, 6, 5]]
    # Scores of the list 9, 8, 7, 6, 5 are 5, 4, 3, 2, 1.
    assert lists.scores[0].tolist() == [0.0, 4.0, 2.0]
    assert lists.sources[2].tolist() == [POPULAR] * 3


def test_only_the_given_rows_are_filled() -> None:
    lists = TopKLists.empty(2, 1, 1)
    lists.fill(np.array([1]), ranked([4]), pairs([], []), SEGMENT_POPULAR)
    assert lists.items.tolist() == [[-1], [4]]


def test_a_popularity_list_that_ends_leaves_ranks_empty_for_the_next() -> None:
    lists = TopKLists.empty(1, 3, 1)
    lists.fill(np.array([0]), ranked([4, 2]), pairs([0], [4]), SEGMENT_POPULAR)
    lists.fill(np.array([0]), ranked([]), pairs([0], [4]), POPULAR)
    lists.fill(np.array([0]), ranked([4, 2, 1]), pairs([0], [4]), POPULAR)
    assert lists.items.tolist() == [[2, 1, -1]]
    assert lists.sources[0, :2].tolist() == [SEGMENT_POPULAR, POPULAR]


@pytest.mark.parametrize("seed", range(20))
def test_filling_matches_a_loop_over_the_users(seed) -> None:
    draw = np.random.default_rng(seed)
    users, k = 40, int(draw.integers(1, 8))
    lists = TopKLists.empty(users, k, 1)
    for row in range(users):
        given = draw.choice(30, int(draw.integers(0, k + 1)), replace=False)
        lists.items[row, : len(given)] = given
    seen = {row: draw.choice(30, int(draw.integers(0, 30)), replace=False).tolist() for row in range(users)}
    popular = draw.permutation(30)[: int(draw.integers(1, 31))].tolist()
    chosen = np.flatnonzero(draw.random(users) < 0.7)
    expected = [[item for item in row if item >= 0] for row in lists.items.tolist()]
    for row in chosen:
        fresh = [item for item in popular if item not in seen[row] and item not in expected[row]]
        expected[row] += fresh[: k - len(expected[row])]
    flat = [(row, item) for row in range(users) for item in seen[row]]
    lists.fill(chosen, ranked(popular), pairs([row for row, _ in flat], [item for _, item in flat]), POPULAR)
    assert [[item for item in row if item >= 0] for row in lists.items.tolist()] == expected


def two_lists() -> TopKLists:
    lists = TopKLists.empty(2, 3, 2)
    scores, parts = np.array([[6, 5, 0]], np.float32), np.array([[[4, 2], [5, 0], [0, 0]]], np.float32)
    lists.put(np.array([1]), np.array([[8, 7, -1]]), scores, COLD_USER, parts)
    return lists


def test_put_sets_the_whole_lists_of_some_rows() -> None:
    lists = two_lists()
    assert lists.items.tolist() == [[-1, -1, -1], [8, 7, -1]]
    assert lists.scores[1].tolist() == [6, 5, 0]
    assert lists.sources[1].tolist() == [COLD_USER] * 3
    assert lists.contributions[1].tolist() == [[4, 2], [5, 0], [0, 0]]


def test_a_filled_rank_has_no_contributions() -> None:
    lists = two_lists()
    lists.fill(np.arange(2), ranked([9]), pairs([], []), POPULAR)
    assert lists.items.tolist() == [[9, -1, -1], [8, 7, 9]]
    assert lists.contributions[:, 2].tolist() == [[0, 0], [0, 0]]


def test_taken_items_keep_their_source_and_contributions_and_get_other_scores() -> None:
    taken = two_lists().taken(np.array([[-1, -1], [1, -1]]), np.array([[0, 0], [0.5, 0]], np.float32))
    assert taken.items.tolist() == [[-1, -1], [7, -1]]
    assert taken.scores[1].tolist() == [0.5, 0]
    assert taken.sources[1, 0] == COLD_USER
    assert taken.contributions[1].tolist() == [[5, 0], [0, 0]]


def test_lists_are_joined_by_domain_and_by_user() -> None:
    lists, empty = two_lists(), TopKLists.empty(2, 1, 2)
    assert TopKLists.side_by_side([lists, empty]).items.tolist() == [[-1] * 4, [8, 7, -1, -1]]
    stacked = TopKLists.stacked([lists, lists])
    assert stacked.items.tolist() == [[-1, -1, -1], [8, 7, -1]] * 2
    assert stacked.contributions.shape == (4, 3, 2)


def test_the_history_is_the_own_items_with_weight() -> None:
    weights, ranks = np.array([2, 0, 4, 0.5], np.float32), np.array([1, 0, 2, 1], np.float32)
    own = OwnItems(np.array([0, 0, 0, 2]), np.array([3, 2, 1, 0]), weights, ranks)
    history = own.history(3, 4)
    assert history.weights.toarray().tolist() == [[0, 4, 0, 2], [0, 0, 0, 0], [0.5, 0, 0, 0]]
    assert history.newest_ranks.toarray().tolist() == [[0, 2, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    # Both hold the same pairs in the same order.
    assert history.weights.indices.tolist() == history.newest_ranks.indices.tolist() == [1, 3, 0]
    assert own.place_in_row().tolist() == [0, 1, 2, 0]
