import numpy as np
from scipy import sparse

from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import ItemScores, Source, VectorSource
from nightjar.ranking.fold_in import folded_history, folded_in, newest_weights, scaled_sums, trained_length
from tests.support.small_models import csr, embeddings_of

# Users: trained with lengths 5 and 1, one by features, one unknown. Items: along each axis, and one unknown.
MODEL = embeddings_of(
    [[3, 4], [0, 1], [0.5, 0], [0, 0]],
    [[2, 0], [0, 1], [0, 0]],
    user_sources=[2, 2, 1, 0],
    item_sources=[2, 2, 0],
)


def test_the_newest_item_has_the_largest_weight_and_old_ones_none() -> None:
    recency = sparse.csr_matrix(np.array([[3, 1, 2, 4], [0, 0, 1, 0], [0, 0, 0, 0]], np.float32))
    assert newest_weights(recency, 2).toarray().tolist() == [[0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert newest_weights(recency, 9).toarray()[0].tolist() == [0.5, 1, 0.75, 0.25]


def test_the_history_of_a_folded_in_user_has_the_ranks_of_the_items_that_count() -> None:
    recency = csr([[3, 1, 2, 4], [0, 0, 1, 0], [0, 0, 0, 0]])
    history = folded_history(recency, 2)
    assert history.weights.toarray().tolist() == [[0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert history.newest_ranks.toarray().tolist() == [[0, 1, 2, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert history.weights.indices.tolist() == history.newest_ranks.indices.tolist() == [1, 2, 2]
    # What it is made of stays.
    assert recency.toarray()[0].tolist() == [3, 1, 2, 4]


def test_sums_have_the_direction_of_the_items_and_the_length_of_trained_vectors() -> None:
    length = trained_length(MODEL.user_vectors, MODEL.user_sources == 2)
    assert length == 3.0
    # (2, 1.5) has length 2.5.
    sums = scaled_sums(csr([[1, 1.5, 0], [0, 0, 1], [0, 0, 0]]), MODEL.item_vectors, length)
    assert np.allclose(sums, [[2.4, 1.8], [0, 0], [0, 0]])


def test_without_a_trained_user_the_length_is_zero() -> None:
    assert trained_length(MODEL.user_vectors, np.zeros(4, bool)) == 0.0


def test_only_users_with_known_items_are_folded_in() -> None:
    recency = csr([[0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]])
    folded = folded_in(ModelSources(MODEL), recency, 5).embeddings
    assert np.allclose(folded.user_vectors, [[0, 3], [0, 1], [0.5, 0], [3, 0]])
    assert folded.user_sources.tolist() == [2, 2, 1, 2]
    assert MODEL.user_sources.tolist() == [2, 2, 1, 0]


def test_every_source_of_vectors_folds_in_by_its_own_vectors() -> None:
    # Its trained users have the lengths 4 and 2.
    users, items = np.array([[4], [-2], [7], [0]], np.float32), np.array([[0], [-5], [1]], np.float32)
    popular = Source("popular", 0.2, ItemScores(np.ones(3, np.float32)))
    other = Source("other", 0.3, VectorSource(users, items, np.zeros(3, np.float32)))
    recency = csr([[0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]])
    folded = folded_in(ModelSources(MODEL, (popular, other)), recency, 5)
    assert folded.others[0] is popular
    assert (folded.others[1].name, folded.others[1].weight) == ("other", 0.3)
    # Item 2 is known to it, though not to the embeddings; item 0 is not.
    assert folded.others[1].fitted.user_vectors.tolist() == [[-3], [-2], [3], [0]]
    assert folded.others[1].fitted.item_vectors is items
