import numpy as np
import pytest

from nightjar.ranking.top_k import Excluded, top_k

NOTHING = np.empty(0, np.int64)


def naive(items, vectors, queries, k, excluded):
    best = np.full((len(queries), k), -1)
    for row, query in enumerate(queries):
        scored = sorted(
            (-float(vector @ query), int(item))
            for column, (item, vector) in enumerate(zip(items, vectors, strict=True))
            if (row, column) not in excluded
        )
        for place, (_, item) in enumerate(scored[:k]):
            best[row, place] = item
    return best


def as_excluded(pairs, rows):
    pairs = sorted(pairs)
    return Excluded(
        np.array([row for row, _ in pairs], np.int64), np.array([column for _, column in pairs], np.int64), rows
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_best_items_match_a_plain_sort_with_many_ties(seed) -> None:
    draw = np.random.default_rng(seed)
    n, q, k = int(draw.integers(1, 60)), int(draw.integers(1, 300)), int(draw.integers(1, 12))
    # Small whole numbers: sums are exact in any order, and equal scores abound.
    vectors = draw.integers(-1, 2, (n, 3)).astype(np.float32)
    queries = draw.integers(-1, 2, (q, 3)).astype(np.float32)
    items = np.sort(draw.choice(1000, n, replace=False))
    excluded = {(row, column) for row in range(q) for column in range(n) if draw.random() < 0.3}
    best, scores = top_k(items, vectors, queries, k, as_excluded(excluded, q))
    np.testing.assert_array_equal(best, naive(items, vectors, queries, k, excluded))
    row, place = np.nonzero(best >= 0)
    expected = (vectors[np.searchsorted(items, best[row, place])] * queries[row]).sum(axis=1)
    np.testing.assert_array_equal(scores[row, place], expected)


def test_equal_scores_come_in_the_order_of_the_items() -> None:
    best, scores = top_k(
        np.array([3, 5, 8, 9]), np.ones((4, 1), np.float32), np.ones((1, 1), np.float32), 2, as_excluded([(0, 1)], 1)
    )
    assert best.tolist() == [[3, 8]]
    assert scores.tolist() == [[1.0, 1.0]]


def test_ranks_without_an_item_stay_empty() -> None:
    vectors, query = np.ones((2, 1), np.float32), np.ones((1, 1), np.float32)
    assert top_k(np.array([0, 1]), vectors, query, 3, as_excluded([], 1))[0].tolist() == [[0, 1, -1]]
    assert top_k(np.array([0, 1]), vectors, query, 1, as_excluded([(0, 0), (0, 1)], 1))[0].tolist() == [[-1]]
    assert top_k(NOTHING, np.empty((0, 1), np.float32), query, 2, as_excluded([], 1))[0].tolist() == [[-1, -1]]
    assert top_k(np.array([0, 1]), vectors, query[:0], 2, as_excluded([], 0))[0].shape == (0, 2)
