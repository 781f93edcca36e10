import numpy as np
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.ranking.fold_in import fold_in, newest_weights, vectors_of

# Users: trained with lengths 5 and 1, one by features, one unknown. Items: along each axis, and one unknown.
MODEL = Embeddings(
    user_ids=np.array(["a", "b", "c", "d"], object),
    item_ids=np.array(["x", "y", "z"], object),
    user_vectors=np.array([[3, 4], [0, 1], [0.5, 0], [0, 0]], np.float32),
    user_biases=np.zeros(4, np.float32),
    item_vectors=np.array([[2, 0], [0, 1], [0, 0]], np.float32),
    item_biases=np.zeros(3, np.float32),
    user_sources=np.array([2, 2, 1, 0], np.int8),
    item_sources=np.array([2, 2, 0], np.int8),
)


def test_the_newest_item_has_the_largest_weight_and_old_ones_none() -> None:
    recency = sparse.csr_matrix(np.array([[3, 1, 2, 4], [0, 0, 1, 0], [0, 0, 0, 0]], np.float32))
    assert newest_weights(recency, 2).toarray().tolist() == [[0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert newest_weights(recency, 9).toarray()[0].tolist() == [0.5, 1, 0.75, 0.25]


def test_vectors_have_the_direction_of_the_items_and_the_length_of_trained_ones() -> None:
    weights = sparse.csr_matrix(np.array([[1, 1.5, 0], [0, 0, 1], [0, 0, 0]], np.float32))
    # (2, 1.5) has length 2.5; the trained users' mean length is 3.
    assert np.allclose(vectors_of(weights, MODEL), [[2.4, 1.8], [0, 0], [0, 0]])


def test_only_users_with_known_items_are_folded_in() -> None:
    recency = sparse.csr_matrix(np.array([[0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]], np.float32))
    folded = fold_in(MODEL, recency, 5)
    assert np.allclose(folded.user_vectors, [[0, 3], [0, 1], [0.5, 0], [3, 0]])
    assert folded.user_sources.tolist() == [2, 2, 1, 2]
    assert MODEL.user_sources.tolist() == [2, 2, 1, 0]
