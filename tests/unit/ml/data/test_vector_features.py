"""Vectors of a snapshot as features and as rows of the regressions, against values worked out by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.data.vector_features import with_vector_features
from ml.models.lightfm import Factors
from ml.models.trained_embeddings import embedding_sources, user_features_of
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.refusals import refused
from tests.support.small_training_data import training_data

# About their mean (0, 0, 7) they vary most along the first axis, less along the second and not along the third.
CLIP = [
    ("i0", "clip", [3, 0, 7]),
    ("i1", "clip", [-3, 0, 7]),
    ("i3", "clip", [0, 1, 7]),
    ("i4", "clip", [0, -1, 7]),
    ("of no item", "clip", [90, 90, 90]),
]
AUDIO = [("i4", "audio", [1.0]), ("i0", "audio", [-1.0])]


@pytest.fixture
def data() -> TrainingData:
    """Items i0 to i4, of which i0 alone has a user and the tag a; the others have the tag b."""
    return training_data(sparse.csr_matrix(np.array([[1, 0, 0, 0, 0]], np.float32)), tags="abbbb")


def featured(data: TrainingData, folder: Path, rows: Sequence[tuple[str, str, Any]], **settings: Any) -> TrainingData:
    columns = dict(zip(("item_id", "kind", "vector"), zip(*rows, strict=True), strict=True)) if rows else {}
    types = {"item_id": pa.string(), "kind": pa.string(), "vector": pa.list_(pa.float32())}
    table = pa.table({name: pa.array(columns.get(name, []), type_) for name, type_ in types.items()})
    pq.write_table(table, folder / "item_vectors.parquet")
    return with_vector_features(data, folder, Settings(**settings))


def test_items_with_a_vector_get_its_features_of_each_kind_and_the_others_none(
    data: TrainingData, tmp_path: Path
) -> None:
    found = featured(data, tmp_path, [*CLIP, *AUDIO], vector_weight=0.5)
    assert found.item_feature_names[2:].tolist() == [
        *("(audio):0+", "(audio):0-"),
        *("(clip):0+", "(clip):0-", "(clip):1+", "(clip):1-"),
    ]
    by_hand = np.zeros((5, 6))
    by_hand[4, 0] = by_hand[0, 1] = by_hand[0, 2] = by_hand[1, 3] = by_hand[3, 4] = by_hand[4, 5] = 0.5
    assert found.item_features[:, 2:].toarray() == pytest.approx(by_hand)
    assert (found.item_features[:, :2] != data.item_features).nnz == 0


def test_the_regressions_get_each_kind_about_its_mean_1_long(data: TrainingData, tmp_path: Path) -> None:
    found = featured(data, tmp_path, [*CLIP, *AUDIO], vector_dimensions=1)
    assert found.item_vectors is not None
    assert found.item_vectors == pytest.approx(np.array([[-1, 1, 0], [0, -1, 0], [0, 0, 0], [0, 0, 1], [1, 0, -1]]))
    # LightFM's features are those of one dimension.
    assert found.item_feature_names[2:].tolist() == ["(audio):0+", "(audio):0-", "(clip):0+", "(clip):0-"]


def test_the_order_of_the_snapshot_changes_no_bit(data: TrainingData, tmp_path: Path) -> None:
    rows = [(f"i{item}", "clip", [item**0.5, item % 3, 0.1 * item]) for item in range(5)]
    first, again = featured(data, tmp_path, rows), featured(data, tmp_path, rows[::-1])
    assert first.item_features.data.tobytes() == again.item_features.data.tobytes()
    assert first.item_vectors is not None
    assert again.item_vectors is not None
    assert first.item_vectors.tobytes() == again.item_vectors.tobytes()


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        ([], {}),
        (CLIP, {"vector_weight": 0}),
        (CLIP[-1:], {}),
        ([("i0", "clip", [1, 2]), ("i1", "clip", [1, 2])], {}),
        (CLIP[:1], {}),
    ],
    ids=["no rows", "no weight", "of no item of the run", "all are equal", "one alone"],
)
def test_without_vectors_that_tell_items_apart_nothing_changes(
    data: TrainingData, tmp_path: Path, rows: list[Any], settings: dict[str, Any]
) -> None:
    assert featured(data, tmp_path, rows, **settings) is data


def test_a_snapshot_of_an_earlier_version_has_no_vectors(data: TrainingData, tmp_path: Path) -> None:
    assert with_vector_features(data, tmp_path, Settings()) is data


def test_an_item_with_nothing_but_a_vector_is_known_by_it(data: TrainingData, tmp_path: Path) -> None:
    # i1 and i3 carry what no item with a user does; i4 is on the side of i0 in `clip`.
    rows = [("i0", "clip", [3.0]), ("i1", "clip", [-4.0]), ("i4", "clip", [2.0])]
    is_trained = data.train.getnnz(axis=0) > 0
    codes = [
        embedding_sources(is_trained, each.item_features, each.item_feature_names).tolist()
        for each in (data, featured(data, tmp_path, rows))
    ]
    assert codes == [[TRAINED, *[UNKNOWN] * 4], [TRAINED, *[UNKNOWN] * 3, FEATURES_ONLY]]


def test_vectors_of_several_lengths_are_refused(data: TrainingData, tmp_path: Path) -> None:
    rows = [("i0", "clip", [3.0]), ("i1", "clip", [-4.0, 1])]
    with refused(NightjarError, "value_out_of_range", column="vector", value="clip"):
        featured(data, tmp_path, rows)


def test_users_with_a_vector_get_its_features_and_the_others_none(tmp_path: Path) -> None:
    # About their mean (0, 7) u0 and u2 are at either end of the first axis.
    rows = {"user_id": ["u2", "u0", "gone"], "kind": ["profile"] * 3, "vector": [[-2.0, 7], [2, 7], [9, 9]]}
    pq.write_table(pa.table(rows), tmp_path / "user_vectors.parquet")
    data = training_data(sparse.csr_matrix(np.array([[1, 0], [0, 1], [0, 0]], np.float32)))
    found = with_vector_features(data, tmp_path, Settings(vector_weight=0.5))
    assert found.user_feature_names.tolist() == ["id:u0", "id:u1", "id:u2", "(profile):0+", "(profile):0-"]
    by_hand = np.hstack([np.eye(3), [[0.5, 0], [0, 0], [0, 0.5]]])
    assert found.user_features.toarray() == pytest.approx(by_hand)
    assert found.item_vectors is None
    assert found.item_features is data.item_features
    assert with_vector_features(data, tmp_path, Settings(vector_weight=0)) is data


def test_a_user_who_registers_later_is_not_described_by_axes_of_vectors(tmp_path: Path) -> None:
    rows = {"user_id": ["u0", "u1"], "kind": ["profile"] * 2, "vector": [[-2.0], [2.0]]}
    pq.write_table(pa.table(rows), tmp_path / "user_vectors.parquet")
    train = sparse.csr_matrix(np.eye(2, dtype=np.float32))
    names = np.array(["age:18", "id:u1"], object)
    data = with_vector_features(training_data(train, user_feature_names=names), tmp_path, Settings())
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)
    zeros = np.zeros(4, np.float32)
    kept = user_features_of(data, train, Factors(vectors, zeros), 10.0)
    assert kept.names.tolist() == ["age:18"]
    assert kept.vectors.tolist() == [[0, 1]]
