from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import TrainingData, read_training_data
from ml.models.lightfm import Epoch, FactorsWithGradients, fit
from ml.models.sharded_fit import rounds_of, shards_of, workers_of
from ml.models.shards import Plan, Task, do, epoch_tasks, lay_out, merge, shard_of_users
from ml.models.shared_arrays import OwnArrays
from ml.models.warp import Hyperparameters, OneShard, Parameters
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.refusals import refused

HYPERPARAMETERS = Hyperparameters(2, 0.05, 10, 0.0, 0.0, 7)


def silent(epoch: Epoch) -> None:
    pass


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def of_one_row(vector: tuple[float, float], bias: float, sums: tuple[float, float], bias_sum: float) -> Parameters:
    return Parameters(floats(*vector)[None], floats(bias), floats(*sums)[None], floats(bias_sum))


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


def test_changes_are_merged_as_far_as_adagrad_would_have_moved() -> None:
    # First number: G 1, two shards add 3 and 8: the root moves from 1 to sqrt(12) instead of by (2 - 1) + (3 - 1).
    # Second: one shard alone changes it, by all that it did. Bias: 9, two shards add 7 and 7: sqrt(23) - 3 of 1 + 1.
    base = of_one_row((1.0, 2.0), 0.0, (1.0, 4.0), 9.0)
    copies = [of_one_row((2.0, 2.0), 1.0, (4.0, 4.0), 16.0), of_one_row((3.0, 5.0), 1.0, (9.0, 9.0), 16.0)]
    merge(base, copies)
    assert base.vector_gradients.tolist() == [[12.0, 9.0]]
    assert base.bias_gradients.tolist() == [23.0]
    assert base.vectors[0] == pytest.approx([1 + 3 * (12**0.5 - 1) / 3, 5.0], rel=1e-6)
    assert base.biases == pytest.approx([2 * (23**0.5 - 3) / 2], rel=1e-6)


def test_what_no_shard_moved_by_a_gradient_changes_by_the_sum() -> None:
    # The penalty shrinks numbers without a gradient.
    base = of_one_row((1.0, 1.0), 1.0, (1.0, 1.0), 1.0)
    shrunk = of_one_row((0.75, 1.0), 1.0, (1.0, 1.0), 1.0)
    merge(base, [shrunk, shrunk])
    assert base.vectors.tolist() == [[0.5, 1.0]]


def test_changes_of_users_features_are_the_mean_over_the_shards_that_trained_them() -> None:
    base = of_one_row((1.0, 2.0), 0.0, (1.0, 4.0), 9.0)
    copies = [of_one_row((2.0, 2.0), 1.0, (4.0, 4.0), 16.0), of_one_row((3.0, 5.0), 2.0, (9.0, 9.0), 16.0)]
    merge(base, copies, is_mean=True)
    assert base.vectors.tolist() == [[2.5, 5.0]]
    assert base.vector_gradients.tolist() == [[12.0, 9.0]]
    assert base.biases.tolist() == [1.5]


def test_users_are_dealt_out_from_the_one_with_the_most_pairs() -> None:
    # 9, 8 | 5, 5 | 1 pairs, dealt out forwards, backwards, forwards.
    assert shard_of_users(np.array([1, 9, 5, 8, 5]), 2).tolist() == [0, 0, 1, 1, 0]


def test_an_epoch_trains_each_pair_once() -> None:
    pairs = sparse.csr_matrix(np.ones((3, 4), np.float32))
    identities = [sparse.identity(size, np.float32, "csr") for size in pairs.shape]
    plan, memory = Plan(2, 3, 2, 1, HYPERPARAMETERS), OwnArrays()
    users, items = OneShard(pairs, *identities, HYPERPARAMETERS, 1).parameters()
    lay_out(memory.new, plan, pairs, *identities, users, items)
    lists = list(epoch_tasks(plan, 1))
    for tasks in lists:
        for task in tasks:
            do(task, memory.arrays, plan)
    assert [task.kind for tasks in lists for task in tasks] == ["train", "train", "merge", "merge"] * 3
    # One user, and two users, of four pairs each.
    assert sorted(memory.arrays["0/order"].tolist()) == list(range(4))
    assert sorted(memory.arrays["1/order"].tolist()) == list(range(8))


def test_features_of_users_of_one_shard_are_its_own_and_the_others_are_merged() -> None:
    pairs = sparse.csr_matrix(np.ones((2, 2), np.float32))
    # Identities, a feature of both users, one of nobody.
    of_users = sparse.csr_matrix(floats(1, 0, 1, 0, 0, 1, 1, 0).reshape(2, 4))
    of_items = sparse.identity(2, np.float32, "csr")
    memory = OwnArrays()
    users, items = OneShard(pairs, of_users, of_items, HYPERPARAMETERS, 1).parameters()
    own = lay_out(memory.new, Plan(2, 1, 1, 1, HYPERPARAMETERS), pairs, of_users, of_items, users, items)
    assert [each.tolist() for each in own] == [[0], [1]]
    assert np.array_equal(memory.arrays["shared/vectors"], users.vectors[[2]])
    # Its own, the shared one, and the row that shows the penalty.
    assert memory.arrays["0/users/vectors"].shape == (3, 2)


def test_the_penalty_of_all_shards_shrinks_a_users_own_features() -> None:
    pairs = sparse.csr_matrix(np.ones((2, 3), np.float32))
    identities = [sparse.identity(size, np.float32, "csr") for size in pairs.shape]
    plan, memory = Plan(2, 1, 1, 1, HYPERPARAMETERS._replace(user_alpha=0.1)), OwnArrays()
    lay_out(memory.new, plan, pairs, *identities, *OneShard(pairs, *identities, HYPERPARAMETERS, 1).parameters())
    arrays = memory.arrays
    for shard, shrunk in enumerate((0.5, 0.25)):
        arrays[f"{shard}/users/vectors"][:] = 1.0
        arrays[f"{shard}/users/biases"][-1] = shrunk
        for part in Parameters._fields:
            arrays[f"{shard}/items/{part}"][:] = arrays[f"items/{part}"]
    do(Task("merge", 0, 1, 0), arrays, plan)
    # Each by the factor of the other shard: its own is in its numbers.
    assert arrays["0/users/vectors"][0].tolist() == [0.25, 0.25]
    assert arrays["1/users/vectors"][0].tolist() == [0.5, 0.5]


def test_shards_and_rounds_follow_from_the_data() -> None:
    settings = Settings()
    assert [shards_of(settings, pairs, 10**6, 100) for pairs in (0, 499_999, 500_000, 10**9)] == [1, 1, 2, 16]
    # Two copies of an item a pair in eight rounds: 4,000,000 / 8 / 100,000 and / 1,000,000.
    assert [shards_of(settings, 2_000_000, 10**6, items) for items in (100_000, 1_000_000)] == [5, 1]
    assert shards_of(Settings(train_shards=8), 100, 10**6, 100) == 8
    assert shards_of(Settings(train_shards=8), 100, 3, 100) == 3
    assert [rounds_of(4, pairs, 1_000) for pairs in (0, 18_000, 20_000, 10**9)] == [8, 9, 10, 32]


def test_workers_are_no_more_than_shards_or_allowed() -> None:
    assert workers_of(Settings(train_workers=3), 16) == 3
    assert workers_of(Settings(train_workers=64), 16) == 16


def test_shards_find_the_planted_tastes(planted: Any, data: TrainingData) -> None:
    # Even users like even items, odd users odd ones; of u00 to u28 and i00 to i38 there are training pairs.
    settings = planted.settings.model_copy(update={"train_shards": 3, "train_workers": 1})
    users, items = fit(data.train, data.user_features, data.item_features, settings, silent)
    vectors = (data.user_features @ users.vectors)[:29], (data.item_features @ items.vectors)[:39]
    scores = vectors[0] @ vectors[1].T + (data.item_features @ items.biases)[:39]
    is_liked = np.arange(29)[:, None] % 2 == np.arange(39) % 2
    of_liked, of_others = (np.where(chosen, scores, np.nan) for chosen in (is_liked, ~is_liked))
    assert (np.nanmean(of_liked, axis=1) > np.nanmax(of_others, axis=1)).all()


def test_a_warm_started_fit_begins_at_its_checkpoint(planted: Any, data: TrainingData) -> None:
    settings = planted.settings.model_copy(update={"train_shards": 3, "train_workers": 1})
    inputs = data.train, data.user_features, data.item_features
    checkpoint: tuple[FactorsWithGradients, FactorsWithGradients] = fit(*inputs, settings, silent)
    still = settings.model_copy(update={"warm_start_epochs": 1, "learning_rate": 1e-12})
    again = fit(*inputs, still, silent, checkpoint)
    for before, after in zip(checkpoint, again, strict=True):
        assert after.vectors == pytest.approx(before.vectors, abs=1e-6)
        assert (after.vector_gradients >= before.vector_gradients).all()


def test_shards_that_diverge_are_refused(planted: Any, data: TrainingData) -> None:
    settings = planted.settings.model_copy(update={"train_shards": 2, "train_workers": 1, "learning_rate": 1e38})
    with refused(NightjarError, "training_diverged", setting="NIGHTJAR_LEARNING_RATE"):
        fit(data.train, data.user_features, data.item_features, settings, silent)
