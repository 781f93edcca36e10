import re
from typing import Any

import numpy as np
import pytest
from lightfm import LightFM
from scipy import sparse

from ml.data.training_data import TrainingData, read_training_data
from ml.models.lightfm import Epoch, Factors, FactorsWithGradients, epochs_of, fit, represent
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.golden import check_wording
from tests.support.refusals import refused


def silent(epoch: Epoch) -> None:
    pass


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture(scope="module")
def fitted(planted: Any, data: TrainingData) -> tuple[Factors, Factors]:
    return fit(data.train, data.user_features, data.item_features, planted.settings, silent)


def test_two_fits_are_equal_to_the_last_bit(planted: Any, data: TrainingData, fitted: tuple[Factors, Factors]) -> None:
    again = fit(data.train, data.user_features, data.item_features, planted.settings, silent)
    for one, other in zip(fitted, again, strict=True):
        assert one.vectors.tobytes() == other.vectors.tobytes()
        assert one.biases.tobytes() == other.biases.tobytes()


def test_one_shard_has_the_bits_of_lightfm(planted: Any, data: TrainingData) -> None:
    settings = planted.settings.model_copy(update={"epochs": 3})
    given = {name: getattr(settings, name) for name in ("learning_rate", "max_sampled", "item_alpha", "user_alpha")}
    model = LightFM(no_components=settings.embedding_dim, loss="warp", random_state=settings.seed, **given)
    rows, columns = (np.flatnonzero(data.train.getnnz(axis=axis)) for axis in (1, 0))
    weights = data.train[rows][:, columns].tocoo()
    ones = sparse.coo_matrix((np.ones_like(weights.data), (weights.row, weights.col)), weights.shape)
    model.fit(ones, data.user_features[rows], data.item_features[columns], weights, epochs=3)
    users, items = fit(data.train, data.user_features, data.item_features, settings, silent)
    assert np.array_equal(users.vectors[:29], model.user_embeddings[:29])
    assert np.array_equal(items.biases[:39], model.item_biases[:39])


def test_another_seed_gives_other_factors(planted: Any, data: TrainingData, fitted: tuple[Factors, Factors]) -> None:
    other_seed = planted.settings.model_copy(update={"seed": 7, "epochs": 1})
    other = fit(data.train, data.user_features, data.item_features, other_seed, silent)
    assert not np.array_equal(other[0].vectors, fitted[0].vectors)


def test_a_feature_that_no_trained_user_carries_is_zero(fitted: tuple[Factors, Factors]) -> None:
    users, items = fitted
    # The identities of u29 and i39, whose pairs are all held out.
    assert not users.vectors[29].any()
    assert users.biases[29] == 0
    assert not items.vectors[39].any()
    assert items.biases[39] == 0
    assert users.vectors[28].any()
    assert items.vectors[38].any()


def test_the_callback_gets_every_epoch_once(planted: Any, data: TrainingData) -> None:
    epochs: list[Epoch] = []
    fit(data.train, data.user_features, data.item_features, planted.settings, epochs.append)
    assert [(epoch.number, epoch.count) for epoch in epochs] == [(number, 40) for number in range(1, 41)]


def test_many_pairs_are_trained_in_fewer_epochs(planted: Any, data: TrainingData) -> None:
    epochs: list[Epoch] = []
    bounded = planted.settings.model_copy(update={"max_train_pairs": 3 * data.train.nnz + 1})
    fit(data.train, data.user_features, data.item_features, bounded, epochs.append)
    assert [(epoch.number, epoch.count) for epoch in epochs] == [(1, 3), (2, 3), (3, 3)]


def test_epochs_are_bounded_by_pairs_and_at_least_one() -> None:
    settings = Settings(epochs=30, warm_start_epochs=2, max_train_pairs=200)
    assert [epochs_of(settings, pairs, None) for pairs in (0, 6, 7, 20, 199, 201)] == [30, 30, 28, 10, 1, 1]
    going_on = (FactorsWithGradients(*(np.zeros((0, 1), np.float32),) * 4),) * 2
    assert [epochs_of(settings, pairs, going_on) for pairs in (7, 150)] == [2, 1]


def test_the_line_of_an_epoch_gives_its_rate_and_the_time_left() -> None:
    nothing = Factors(np.zeros((0, 1), np.float32), np.zeros(0, np.float32))
    # 1.5 s an epoch, with what was done between them, and seven to go.
    line = Epoch(3, 10, 0.5, 4.5, nothing, nothing).line(2000)
    assert re.findall(r"[\d.,/]*\d", line) == ["3/10", "0.50", "4,000", "10"]
    check_wording(line)


def test_a_pair_with_more_weight_scores_higher() -> None:
    # One user has both items, equal but for the weight; against a third item of other users.
    pairs = sparse.csr_matrix(np.array([[5.0, 0.1, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32))
    identity = [sparse.identity(size, dtype=np.float32, format="csr") for size in (2, 3)]
    settings = Settings(embedding_dim=4, epochs=30, learning_rate=0.05)
    users, items = fit(pairs, identity[0], identity[1], settings, silent)
    scores = users.vectors @ items.vectors.T + items.biases
    assert scores[0, 0] > scores[0, 1] > scores[0, 2]


def test_an_item_without_events_is_no_negative() -> None:
    pairs = sparse.csr_matrix(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=np.float32))
    # Item 2 shares its only feature with item 1: drawn as a negative it would pull that feature down for user 1.
    features = sparse.csr_matrix(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype=np.float32))
    users = sparse.identity(2, dtype=np.float32, format="csr")
    settings = Settings(embedding_dim=4, epochs=5)
    with_it = fit(pairs, users, features, settings, silent)
    without_it = fit(pairs[:, :2], users, features[:2], settings, silent)
    assert np.array_equal(with_it[1].vectors, without_it[1].vectors)


def test_represent_scores_as_lightfm_predicts(data: TrainingData) -> None:
    model = LightFM(no_components=4, random_state=1)
    model.fit(data.train.tocoo(), data.user_features, data.item_features, epochs=2)
    users, _ = represent(data.user_features, Factors(model.user_embeddings, model.user_biases))
    items, biases = represent(data.item_features, Factors(model.item_embeddings, model.item_biases))
    expected = model.predict(3, np.arange(43), data.item_features, data.user_features)
    ours = users[3] @ items.T + biases
    assert ours - ours[0] == pytest.approx(expected - expected[0], abs=1e-6)


def test_without_pairs_every_factor_is_zero(data: TrainingData, planted: Any) -> None:
    nothing = sparse.csr_matrix(data.train.shape, dtype=np.float32)
    users, items = fit(nothing, data.user_features, data.item_features, planted.settings, silent)
    assert users.vectors.shape == (32, 8)
    assert not users.vectors.any()
    assert not items.biases.any()


def test_diverged_training_is_refused_and_names_the_setting(data: TrainingData, planted: Any) -> None:
    huge = data.train * np.float32(1e38)
    with refused(NightjarError, "training_diverged", epoch=1, setting="NIGHTJAR_LEARNING_RATE"):
        fit(huge, data.user_features, data.item_features, planted.settings, silent)


def test_sums_that_overflow_are_refused() -> None:
    features = sparse.csr_matrix(np.array([[1e30]], dtype=np.float32))
    factors = Factors(np.array([[1e30]], np.float32), np.zeros(1, np.float32))
    with refused(NightjarError, "not_finite", setting="NIGHTJAR_MAX_FEATURE_WEIGHT"):
        represent(features, factors)
