from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.data.training_data import TrainingData, read_training_data
from ml.models import warm_start_checkpoint
from ml.models.lightfm import Epoch, FactorsWithGradients, fit
from ml.models.warm_start_checkpoint import Checkpoint
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.refusals import refused

SETTINGS = Settings(embedding_dim=2, epochs=10, warm_start_epochs=2)
OTHER = {"blocks.0.weight": np.array([[1.5, 2]], np.float32), "ids": np.array([b"a", b"bc"])}


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


def named(data: TrainingData, users: list[str], items: list[str]) -> TrainingData:
    return replace(data, user_feature_names=np.array(users, object), item_feature_names=np.array(items, object))


def trained(*vectors: tuple[float, float]) -> FactorsWithGradients:
    rows = np.array(vectors, np.float32)
    return FactorsWithGradients(rows, rows[:, 0] + 5, rows + 10, rows[:, 1] + 20)


@pytest.fixture
def left(data: TrainingData, tmp_path: Path) -> Path:
    """What a fit of 8 epochs left: of users a and b, of items x, y and z, which nothing trained."""
    fitted = Checkpoint((trained((1, 2), (3, 4)), trained((5, 6), (7, 8), (0, 0))), {"slow": OTHER})
    warm_start_checkpoint.save(tmp_path / "start", named(data, ["a", "b"], ["x", "y", "z"]), SETTINGS, fitted, 8)
    return tmp_path / "start"


def test_features_are_aligned_by_name_and_new_ones_are_zero(left: Path, data: TrainingData) -> None:
    found = warm_start_checkpoint.load(left, named(data, ["b", "c"], ["new", "y", "z"]), SETTINGS)
    assert found is not None
    users, items = found.lightfm
    assert users.vectors.tolist() == [[3, 4], [0, 0]]
    assert users.biases.tolist() == [8, 0]
    assert items.vectors.tolist() == [[0, 0], [7, 8], [0, 0]]
    assert items.vector_gradients.tolist() == [[0, 0], [17, 18], [0, 0]]
    assert items.bias_gradients.tolist() == [0, 28, 0]


def test_arrays_of_other_models_come_back_as_they_are(left: Path, data: TrainingData) -> None:
    found = warm_start_checkpoint.load(left, named(data, ["a"], ["x"]), SETTINGS)
    assert found is not None
    [(model, arrays)] = found.others.items()
    assert model == "slow"
    assert {name: (each.dtype, each.tolist()) for name, each in arrays.items()} == {
        name: (each.dtype, each.tolist()) for name, each in OTHER.items()
    }
    (left / "slow.npz").write_bytes(b"")
    with refused(NightjarError, "digest_differs", wording=False, file=left / "slow.npz"):
        warm_start_checkpoint.load(left, named(data, ["a"], ["x"]), SETTINGS)


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ({}, True),
        ({"warm_start_epochs": 7}, True),
        ({"warm_start_epochs": 8}, False),
        ({"embedding_dim": 4}, False),
        ({"holdout_fraction": 0.3}, False),
        ({"seed": 1}, False),
    ],
    ids=["same", "15 epochs in all", "16 epochs in all", "dimension", "more held out", "others held out"],
)
def test_a_checkpoint_of_other_settings_is_not_used(
    left: Path, data: TrainingData, changes: dict[str, Any], is_taken: bool
) -> None:
    settings = SETTINGS.model_copy(update=changes)
    assert (warm_start_checkpoint.load(left, named(data, ["a"], ["x"]), settings) is not None) == is_taken


@pytest.mark.parametrize(("users", "items"), [(["a"], ["x", "(clip):0+"]), (["a", "(profile):0-"], ["x"])])
def test_a_checkpoint_is_not_used_where_features_have_a_meaning_that_changes(
    left: Path, data: TrainingData, users: list[str], items: list[str]
) -> None:
    assert warm_start_checkpoint.load(left, named(data, users, items), SETTINGS) is None


def test_a_damaged_checkpoint_is_refused(left: Path, data: TrainingData) -> None:
    (left / "user_biases.npy").write_bytes(b"")
    with refused(NightjarError, "digest_differs", file=left / "user_biases.npy"):
        warm_start_checkpoint.load(left, named(data, ["a"], ["x"]), SETTINGS)


def test_a_fit_is_warm_started_for_the_features_of_the_checkpoint_alone(planted: Any, data: TrainingData) -> None:
    epochs: list[Epoch] = []
    # So slow a step shows where each feature began.
    slow = planted.settings.model_copy(update={"learning_rate": 1e-9, "warm_start_epochs": 3})
    cold = fit(data.train, data.user_features, data.item_features, slow, lambda epoch: None)
    checkpoint = tuple(FactorsWithGradients(*(np.zeros_like(part) for part in vars(side).values())) for side in cold)
    (
        checkpoint[1].vectors[5],
        checkpoint[1].biases[5],
        checkpoint[1].vector_gradients[5],
        checkpoint[1].bias_gradients[5],
    ) = 9, 8, 7, 6
    # Nobody in train carries the identity of i39: it stays zero.
    checkpoint[1].vectors[39] = 9
    users, items = fit(data.train, data.user_features, data.item_features, slow, epochs.append, checkpoint)
    assert len(epochs) == 3
    assert items.vectors[5] == pytest.approx(9)
    assert items.biases[5] == pytest.approx(8)
    assert (items.vector_gradients[5] >= 7).all()
    assert items.bias_gradients[5] >= 6
    assert not items.vectors[39].any()
    assert items.vectors[6] == pytest.approx(cold[1].vectors[6], abs=1e-6)
    assert users.vectors == pytest.approx(cold[0].vectors, abs=1e-6)
    again = fit(data.train, data.user_features, data.item_features, slow, lambda epoch: None, checkpoint)
    assert again[1].vectors.tobytes() == items.vectors.tobytes()
