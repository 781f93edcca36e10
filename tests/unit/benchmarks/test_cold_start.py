"""What the benchmark of cold items and new domains holds out, and the features that it makes of the rest."""

from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.cold_start.holdouts import COLD_ITEMS, hold_out, training_data, with_holdout
from benchmarks.cold_start.sources import Source, read
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from tests.support.refusals import refused


def source(pairs: np.ndarray, domains: list[str], tags: np.ndarray) -> Source:
    matrices = (sparse.csr_matrix(each.astype(np.float32)) for each in (pairs, tags))
    user_items, item_tags = matrices
    return Source(user_items, np.array(domains, object), item_tags)


def test_lines_of_users_and_tags_hold_item_numbers(tmp_path: Path) -> None:
    (tmp_path / "users.dat").write_text("2 0 2\n1 2\n")
    (tmp_path / "tag-item.dat").write_text("1 1\n2 0 1\n")
    found = read(tmp_path)
    assert found.pairs.toarray().tolist() == [[1, 0, 1], [0, 0, 1]]
    assert found.tags.toarray().tolist() == [[0, 1], [1, 1], [0, 0]]


def test_folders_of_domains_share_users_but_not_items(tmp_path: Path) -> None:
    for folder, text in (("a_b", "0\t7\t1\n0\t9\t1\n0\t9\t1\n"), ("b_a", "1\t7\t1\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.txt").write_text(text)
    found = read(tmp_path)
    assert found.domains.tolist() == ["a", "a", "b"]
    assert found.pairs.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]


def test_a_folder_of_neither_layout_is_refused(tmp_path: Path) -> None:
    with refused(BadInput, "unknown_layout", path=tmp_path):
        read(tmp_path)


def test_held_out_items_have_no_training_pairs_and_compete_alone() -> None:
    train, test_sets = hold_out(source(np.ones((3, 10)), ["d"] * 10, np.zeros((10, 0))), seed=1)
    cold = test_sets[COLD_ITEMS]
    assert len(cold.candidates) == 2
    assert train.pairs[:, cold.candidates].nnz == 0
    assert train.pairs.nnz == 3 * 8
    assert cold.held_out.truth.toarray().tolist() == [[1, 1]] * 3


def test_a_test_set_becomes_the_holdout_of_training_data() -> None:
    train, test_sets = hold_out(source(np.ones((3, 10)), ["d"] * 10, np.zeros((10, 0))), seed=1)
    data = with_holdout(training_data(train, Settings()), test_sets[COLD_ITEMS])
    is_held_out = train.pairs.getnnz(axis=0) == 0
    assert data.holdout.toarray().tolist() == [is_held_out.astype(float).tolist()] * 3
    assert data.is_available.tolist() == is_held_out.tolist()
    assert data.train.nnz == 3 * 8


def test_users_have_no_pairs_left_in_one_held_out_domain() -> None:
    train, test_sets = hold_out(source(np.ones((20, 4)), ["a", "a", "b", "b"], np.zeros((4, 0))), seed=1)
    users = {title: set(each.held_out.users.tolist()) for title, each in test_sets.items()}
    assert sorted(users) == ["a -> b", "b -> a"]
    assert [len(each) for each in users.values()] == [2, 2]
    assert not users["a -> b"] & users["b -> a"]
    for user in users["a -> b"]:
        assert train.pairs[user].toarray().tolist() == [[1, 1, 0, 0]]


def test_rare_tags_are_folded_sums_capped_and_cold_items_have_no_identity() -> None:
    tags = np.array([[1, 1, 1], [1, 0, 0]])
    data = training_data(
        source(np.array([[1, 0]]), ["d", "d"], tags), Settings(min_feature_support=2, max_feature_weight=1.0)
    )
    assert data.item_feature_names.tolist() == ["tag:0", "tag:(rare)", "id:0"]
    assert data.item_features.toarray().tolist() == [[0.5, 0.5, 1.0], [1.0, 0.0, 0.0]]
