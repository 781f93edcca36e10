import numpy as np
from scipy import sparse

from ml.evaluation.holdout_slices import SLICES, fold_in_slice, holdout_slices, sampled

# Users: 0 and 1 warm, 2 cold, 3 without truth. Items: 0 and 1 warm, 2 cold, 3 unavailable, 4 unavailable but consumed.
TRAIN = sparse.csr_matrix(np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0] * 5, [1, 0, 0, 1, 0]], dtype=np.float32))
HOLDOUT = sparse.csr_matrix(np.array([[0, 1, 1, 0, 0], [0, 0, 0, 0, 1], [1, 0, 1, 0, 0], [0] * 5], dtype=np.float32))
AVAILABLE = np.array([True, True, True, False, False])


def test_each_slice_holds_its_users_truth_and_candidates() -> None:
    slices = {each.name: each for each in holdout_slices(TRAIN, HOLDOUT, AVAILABLE, seed=1)}
    assert tuple(slices) == SLICES
    found = {
        name: (each.users.tolist(), [row.indices.tolist() for row in each.truth], np.flatnonzero(each.is_candidate))
        for name, each in slices.items()
    }
    assert found["all"][:2] == ([0, 1, 2], [[1, 2], [4], [0, 2]])
    assert found["warm"][:2] == ([0], [[1]])
    assert found["cold_user"][:2] == ([2], [[0, 2]])
    assert found["cold_item"][:2] == ([0, 1], [[2], [4]])
    for name in ("all", "warm", "cold_user"):
        assert found[name][2].tolist() == [0, 1, 2, 4]
    assert found["cold_item"][2].tolist() == [2, 4]


def test_the_fold_in_slice_has_as_truth_what_users_are_not_folded_in_by() -> None:
    shown = np.zeros(HOLDOUT.shape, dtype=np.float32)
    shown[2, 2] = 7  # User 2 is cold; of their items 0 and 2 the latter is shown.
    question = fold_in_slice(sparse.csr_matrix(shown), HOLDOUT, AVAILABLE, seed=1)
    assert (question.name, question.users.tolist(), question.truth.indices.tolist()) == ("fold_in", [2], [0])
    assert np.flatnonzero(question.is_candidate).tolist() == [0, 1, 2, 4]


def test_an_empty_holdout_gives_empty_slices() -> None:
    nothing = sparse.csr_matrix(TRAIN.shape, dtype=np.float32)
    assert [len(each.users) for each in holdout_slices(TRAIN, nothing, AVAILABLE, seed=1)] == [0, 0, 0, 0]


def test_a_sample_keeps_users_with_their_truth_and_is_the_same_every_time() -> None:
    everybody = holdout_slices(TRAIN, HOLDOUT, AVAILABLE, seed=1)[0]
    some, again = sampled(everybody, 2, seed=3), sampled(everybody, 2, seed=3)
    assert len(some.users) == 2
    assert some.users.tolist() == again.users.tolist()
    for user, truth in zip(some.users, some.truth, strict=True):
        assert truth.indices.tolist() == HOLDOUT[user].indices.tolist()


def test_the_fold_in_slice_has_repeats_as_truth() -> None:
    shown, repeated = np.zeros(HOLDOUT.shape, dtype=np.float32), np.zeros(HOLDOUT.shape, dtype=np.float32)
    shown[2, [0, 2]] = [1, 2]
    repeated[2, 2] = repeated[0, 1] = 1
    question = fold_in_slice(sparse.csr_matrix(shown), HOLDOUT, AVAILABLE, seed=1, repeated=sparse.csr_matrix(repeated))
    assert (question.users.tolist(), question.truth.indices.tolist()) == ([2], [2])
