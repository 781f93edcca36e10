"""What the benchmark of cold items and new domains holds out, and the form it gives the rest."""

from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks.cold.questions import COLD_ITEMS, held_out, training_data, with_holdout
from benchmarks.cold.sources import Source, read
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from tests.support.refusals import refused


def source(pairs: np.ndarray, domains: list[str], tags: np.ndarray) -> Source:
    matrices = (sparse.csr_matrix(each.astype(np.float32)) for each in (pairs, tags))
    found, carried = matrices
    return Source(found, np.array(domains, object), carried)


def test_lines_of_users_and_tags_name_items(tmp_path: Path) -> None:
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


def test_held_out_items_lose_every_pair_and_compete_alone() -> None:
    known, asked = held_out(source(np.ones((3, 10)), ["d"] * 10, np.zeros((10, 0))), seed=1)
    question = asked[COLD_ITEMS]
    assert len(question.candidates) == 2
    assert known.pairs[:, question.candidates].nnz == 0
    assert known.pairs.nnz == 3 * 8
    assert question.question.truth.toarray().tolist() == [[1, 1]] * 3


def test_what_is_held_out_takes_the_form_of_a_nights_holdout() -> None:
    known, asked = held_out(source(np.ones((3, 10)), ["d"] * 10, np.zeros((10, 0))), seed=1)
    data = with_holdout(training_data(known, Settings()), asked[COLD_ITEMS])
    is_held_out = known.pairs.getnnz(axis=0) == 0
    assert data.holdout.toarray().tolist() == [is_held_out.astype(float).tolist()] * 3
    assert data.is_available.tolist() == is_held_out.tolist()
    assert data.train.nnz == 3 * 8


def test_users_of_a_domain_lose_it_alone_and_each_only_one() -> None:
    known, asked = held_out(source(np.ones((20, 4)), ["a", "a", "b", "b"], np.zeros((4, 0))), seed=1)
    users = {title: set(each.question.users.tolist()) for title, each in asked.items()}
    assert sorted(users) == ["a -> b", "b -> a"]
    assert [len(each) for each in users.values()] == [2, 2]
    assert not users["a -> b"] & users["b -> a"]
    for user in users["a -> b"]:
        assert known.pairs[user].toarray().tolist() == [[1, 1, 0, 0]]


def test_rare_tags_are_folded_sums_capped_and_items_without_pairs_have_no_identity() -> None:
    tags = np.array([[1, 1, 1], [1, 0, 0]])
    data = training_data(
        source(np.array([[1, 0]]), ["d", "d"], tags), Settings(min_feature_support=2, max_feature_weight=1.0)
    )
    assert data.item_feature_names.tolist() == ["tag:0", "tag:(rare)", "id:0"]
    assert data.item_features.toarray().tolist() == [[0.5, 0.5, 1.0], [1.0, 0.0, 0.0]]
