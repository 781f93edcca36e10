import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.ranking import scoring
from nightjar.ranking.scoring import Ranking, best_items, nearest, popularity_ranking, published_ranking, score_blocks


def nothing_seen(users: int, items: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((users, items), dtype=np.float32)


def small_model() -> Embeddings:
    return Embeddings(
        user_ids=np.array(["a", "b"], dtype=object),
        item_ids=np.array(["x", "y", "z"], dtype=object),
        user_vectors=np.array([[1.0], [0.0]], dtype=np.float32),
        user_biases=np.zeros(2, dtype=np.float32),
        item_vectors=np.array([[1.0], [2.0], [0.0]], dtype=np.float32),
        item_biases=np.array([3.0, -9.0, 0.0], dtype=np.float32),
        user_sources=np.array([2, 0], dtype=np.int8),
        item_sources=np.array([2, 1, 0], dtype=np.int8),
    )


def test_popular_items_are_ordered_by_users_then_by_index() -> None:
    ranking = popularity_ranking(np.array([2, 5, 2, 5]), 1)
    assert nearest(ranking, 4).tolist() == [[1, 3, 0, 2]]


def test_a_known_user_gets_the_scores_of_the_model_and_unknown_items_last() -> None:
    ranking = published_ranking(small_model(), popularity_ranking(np.array([1, 2, 9]), 2))
    scores = ranking.users[0] @ ranking.items.T
    assert scores[:2].tolist() == [4.0, -7.0]
    assert scores[2] < -7.0
    assert nearest(ranking, 3)[0].tolist() == [0, 1, 2]


def test_an_unknown_user_gets_the_popular_items() -> None:
    popularity = popularity_ranking(np.array([1, 2, 9]), 2)
    ranking = published_ranking(small_model(), popularity)
    assert nearest(ranking, 3)[1].tolist() == nearest(popularity, 3)[1].tolist() == [2, 1, 0]


def test_only_unseen_candidates_are_recommended_and_short_lists_are_padded() -> None:
    ranking = Ranking(np.ones((2, 1), np.float32), np.array([[1.0], [2.0], [3.0], [4.0]], np.float32))
    seen = sparse.csr_matrix(np.array([[0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    candidates = np.array([True, False, True, True])
    assert best_items(ranking, np.array([0, 1]), candidates, seen, 3).tolist() == [[2, 0, -1], [3, 2, 0]]


def test_a_list_longer_than_the_catalogue_is_padded() -> None:
    ranking = Ranking(np.ones((1, 1), np.float32), np.array([[1.0], [2.0]], np.float32))
    assert nearest(ranking, 5).tolist() == [[1, 0, -1, -1, -1]]


def test_equal_scores_come_in_index_order_at_the_cut_too() -> None:
    ranking = Ranking(np.ones((1, 1), np.float32), np.ones((50, 1), np.float32))
    assert nearest(ranking, 7).tolist() == [[0, 1, 2, 3, 4, 5, 6]]


def test_no_candidate_or_no_user_gives_empty_lists() -> None:
    ranking = Ranking(np.ones((1, 1), np.float32), np.ones((2, 1), np.float32))
    no_user = best_items(ranking, np.array([], dtype=np.int64), np.ones(2, bool), nothing_seen(1, 2), 2)
    assert no_user.shape == (0, 2)
    assert best_items(ranking, np.array([0]), np.zeros(2, bool), nothing_seen(1, 2), 2).tolist() == [[-1, -1]]


def test_blocks_cover_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_BLOCK_CELLS", 6)
    ranking = Ranking(np.arange(5, dtype=np.float32)[:, None], np.ones((3, 1), np.float32))
    rows = np.array([4, 2, 0])
    blocks = [(block, scores.tolist()) for block, scores in score_blocks(ranking, rows)]
    assert [scores for _, scores in blocks] == [[[4.0] * 3, [2.0] * 3], [[0.0] * 3]]
    assert [rows[block].tolist() for block, _ in blocks] == [[4, 2], [0]]


@given(arrays(np.float32, (3, 9), elements=st.sampled_from(np.float32([0, 1, 2]))), st.integers(1, 12))
def test_lists_equal_a_full_stable_sort(scores: np.ndarray, k: int) -> None:
    ranking = Ranking(scores, np.eye(9, dtype=np.float32))
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert nearest(ranking, k)[:, :9].tolist() == expected.tolist()
