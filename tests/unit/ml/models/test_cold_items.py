"""Weights of items without interactions against the formula written out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from ml.data.encoded_features import with_encoded_features
from ml.data.training_data import TrainingData, read_training_data
from ml.models.cold_items import cold_vectors, cold_weights, metadata_rows
from tests.support.small_training_data import training_data

IS_KNOWN = np.array([True, True, False, True, False, False])
# Item 5 carries nothing.
ROWS = sparse.csr_matrix(
    np.array([[1, 0, 0], [0.6, 0.8, 0], [0.8, 0.6, 0], [0, 0.6, 0.8], [0, 0, 1], [0, 0, 0]], np.float64)
)


def by_formula(ridge: float, features: list[int]) -> np.ndarray:
    rows = ROWS.toarray()[:, features]
    known, cold = rows[[0, 1, 3]], rows[[2, 4]]
    return known @ np.linalg.inv(known.T @ known + ridge * np.eye(len(features))) @ cold.T


@pytest.mark.parametrize("block_cells", [1, 4_000_000])
def test_weights_of_cold_items_are_the_ridge_regression_on_the_features(
    block_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.models.cold_items._BLOCK_CELLS", block_cells)
    found = cold_weights(ROWS, IS_KNOWN, 0.7, 10, 10).toarray()
    assert found[np.ix_([0, 1, 3], [2, 4])] == pytest.approx(by_formula(0.7, [0, 1, 2]))
    # No other item has weights, and items with interactions or without features get none.
    assert not found[[2, 4, 5]].any()
    assert not found[:, [0, 1, 3, 5]].any()


def test_the_largest_weights_of_each_item_stay_and_the_features_of_most_items_count() -> None:
    whole = by_formula(0.7, [0, 1, 2])
    found = cold_weights(ROWS, IS_KNOWN, 0.7, 1, 10).toarray()[np.ix_([0, 1, 3], [2, 4])]
    largest = np.abs(whole).argmax(axis=0)
    assert np.count_nonzero(found) == 2
    assert found[largest, [0, 1]] == pytest.approx(whole[largest, [0, 1]])
    # Two known items carry each of the features 0 and 1, one the feature 2.
    fewer = cold_weights(ROWS, IS_KNOWN, 0.7, 10, 2).toarray()
    assert fewer[np.ix_([0, 1, 3], [2])] == pytest.approx(by_formula(0.7, [0, 1])[:, [0]])
    assert not fewer[:, 4].any()


def test_of_equal_weights_exactly_the_requested_number_stays() -> None:
    # Items 0 to 2 are the same to item 3: each has the weight 1 / (3 + 1).
    rows, is_known = sparse.csr_matrix(np.ones((4, 1))), np.array([True, True, True, False])
    found = cold_weights(rows, is_known, 1.0, 2, 10)
    assert found[:, [3]].getnnz() == 2
    assert found.data == pytest.approx([0.25, 0.25])


def test_without_warm_or_without_cold_items_there_are_no_weights() -> None:
    for is_known in (np.zeros(6, bool), np.ones(6, bool)):
        assert cold_weights(ROWS, is_known, 0.7, 10, 10).nnz == 0


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_vectors_of_cold_items_are_mixed_with_the_ridge_regression_about_the_mean(weight: float) -> None:
    vectors = np.array([[1, 4], [2, 0], [9, 7], [6, 2], [8, 5], [9, 9]], np.float32)
    found = cold_vectors(ROWS, IS_KNOWN, vectors, 0.7).mixed_into(vectors, weight)
    of_known = vectors[[0, 1, 3]]
    predicted = [3, 2] + by_formula(0.7, [0, 1, 2]).T @ (of_known - [3, 2])
    assert found[[2, 4]] == pytest.approx((1 - weight) * vectors[[2, 4]] + weight * predicted, abs=1e-5)
    # Items with interactions, or without informative features, keep their vectors.
    assert found[[0, 1, 3, 5]].tolist() == vectors[[0, 1, 3, 5]].tolist()
    for is_known in (np.zeros(6, bool), np.ones(6, bool)):
        assert np.array_equal(cold_vectors(ROWS, is_known, vectors, 0.7).mixed_into(vectors, weight), vectors)


def test_rows_are_tf_idf_without_identities_and_rare_features_at_the_root_of_their_length(
    planted: object,
) -> None:
    data: TrainingData = read_training_data(planted.folder.features_folder)  # type: ignore[attr-defined]
    names = np.array(["id:a", "tag:x", "tag:(rare)", "tag:y"], object)
    values = np.array([[1, 2, 1, 0], [1, 1, 1, 3], [0, 0, 1, 0], [0, 0, 0, 0]], np.float32)
    rows = metadata_rows(replace(data, item_features=sparse.csr_matrix(values), item_feature_names=names)).toarray()
    # Of four items two carry x and one y; ln 2 and ln 4 stand as 1 to 2. Weights of 2 and (1, 3) count as 1 and
    # (1/2, 3/2): rows (1, 0) and (1/2, 3), 1 and half the root of 37 long.
    length = np.sqrt(37) / 2
    usual = (1 + length) / 2
    longer = np.array([1 / 2, 3]) / length * np.sqrt(length / usual)
    assert rows == pytest.approx(np.array([[np.sqrt(1 / usual), 0], longer, [0, 0], [0, 0]]))


def test_vectors_stand_beside_the_rows_of_features_and_their_halves_in_neither() -> None:
    given = training_data(sparse.csr_matrix((2, 3), dtype=np.float32), tags="aab")
    vectors = np.array([[0.6, 0.8], [0, 0], [0, -1]], np.float32)
    encoded = with_encoded_features(given, "clip", np.array([0, 2]), np.array([[3.0, 4.0], [0.0, -5.0]]), 1.0)
    rows = metadata_rows(replace(encoded, item_vectors=vectors)).toarray()
    assert rows[:, 2:] == pytest.approx(vectors)
    assert rows[:, :2].tolist() == metadata_rows(given).toarray().tolist()
