from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import read_training_data
from ml.models.lightfm import fit
from ml.models.trained_embeddings import FittedFactors, embedding_sources, embeddings_of
from nightjar.contract.settings import Settings


def test_sources_are_trained_features_only_or_unknown() -> None:
    names = np.array(["id:a", "genre:x", "genre:(rare)", "genre:y"], dtype=object)
    features = sparse.csr_matrix(
        np.array(
            [
                [1, 1, 1, 0],  # trained
                [0, 1, 0, 0],  # carries what a trained one carries
                [0, 0, 1, 0],  # carries only the folded rest, which is not informative
                [0, 0, 0, 1],  # carries a feature that no trained one carries
                [0, 0, 0, 0],
            ],
            dtype=np.float32,
        )
    )
    is_trained = np.array([True, False, False, False, False])
    assert embedding_sources(is_trained, features, names).tolist() == [2, 1, 0, 0, 0]


def test_the_planted_cold_users_and_items_have_their_sources(planted: Any) -> None:
    data = read_training_data(planted.folder.features_folder)
    users, items = fit(data.train, data.user_features, data.item_features, planted.settings, lambda epoch: None)
    model = embeddings_of(FittedFactors(data, data.train, users, items, 1.0), Settings(popularity_weight=1.0))
    assert model.user_sources.tolist() == [2] * 29 + [1, 1, 0]
    # i39 and i40 carry a genre only, i41 nothing, i42 a genre.
    assert model.item_sources.tolist() == [2] * 39 + [1, 1, 0, 1]
    assert not model.user_vectors[31].any()
    assert not model.item_vectors[41].any()
    assert model.item_biases[41] == 0
    assert model.user_vectors[30].any()


def test_the_popularity_weight_changes_the_item_biases_and_nothing_else(planted: Any) -> None:
    data = read_training_data(planted.folder.features_folder)
    users, items = fit(data.train, data.user_features, data.item_features, planted.settings, lambda epoch: None)
    found = FittedFactors(data, data.train, users, items, 1.0)
    whole, none = (embeddings_of(found, Settings(popularity_weight=weight)) for weight in (1.0, 0.0))
    trained, known = whole.user_sources == 2, whole.item_sources > 0
    scores = none.user_vectors[trained] @ none.item_vectors.T + none.item_biases
    assert scores.mean(axis=0)[known] == pytest.approx(0, abs=1e-6)
    assert np.abs(whole.item_biases - none.item_biases)[known].min() > 0
    assert none.item_biases[~known].tolist() == [0] * int((~known).sum())
    for name in ("user_vectors", "item_vectors", "user_biases", "item_sources"):
        assert np.array_equal(getattr(none, name), getattr(whole, name))
