"""Item-item weights against the formula written out."""

import numpy as np
import pytest
from scipy import sparse

from ml.models.cooccurrence import ease, fit_item_weights, nearest_by_cosine
from nightjar.contract.settings import Settings


def some_pairs(users: int, items: int) -> sparse.csr_matrix:
    draw = np.random.default_rng(4)
    dense = np.where(draw.random((users, items)) < 0.4, draw.random((users, items)), 0)
    dense[0] = 0.5
    return sparse.csr_matrix(dense)


def by_formula(pairs: np.ndarray, ridge: float) -> np.ndarray:
    inverse = np.linalg.inv(pairs.T @ pairs + ridge * np.eye(pairs.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize(("users", "items"), [(30, 12), (12, 12), (9, 20)])
def test_ease_is_the_ridge_regression_of_each_item_on_the_others(
    users: int, items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.models.cooccurrence._BLOCK_CELLS", 5 * items)
    pairs = some_pairs(users, items)
    assert ease(pairs, 0.7, items).toarray() == pytest.approx(by_formula(pairs.toarray(), 0.7))


def test_pruning_keeps_the_largest_weights_of_each_item() -> None:
    pairs = some_pairs(30, 12)
    whole, pruned = by_formula(pairs.toarray(), 0.7), ease(pairs, 0.7, 3).toarray()
    for column in range(12):
        largest = np.argsort(-np.abs(whole[:, column]))[:3]
        assert set(np.flatnonzero(pruned[:, column])) == set(largest)
        assert pruned[largest, column] == pytest.approx(whole[largest, column])


def test_cosine_is_shrunk_and_has_no_diagonal() -> None:
    # |X_0|^2 = 2, |X_1|^2 = 1, X_0'X_1 = 1; items 1 and 2 never meet.
    pairs = sparse.csr_matrix(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 2.0]]))
    found = nearest_by_cosine(pairs, 2.0, 2).toarray()
    assert found[0] == pytest.approx([0, 1 / np.sqrt(4 * 3), 2 / np.sqrt(4 * 6)])
    assert found == pytest.approx(found.T)
    assert found[1, 2] == 0
    # Of item 0 only the better one of two stays.
    assert np.flatnonzero(nearest_by_cosine(pairs, 2.0, 1).toarray()[:, 0]).tolist() == [2]


def test_items_without_pairs_get_no_weights_and_rows_are_items_of_the_history() -> None:
    pairs = sparse.csr_matrix(np.array([[1, 0, 4], [1, 0, 0], [1, 0, 0]], np.float32))
    fitted = fit_item_weights(
        pairs, Settings(cooccurrence_lambda=1.0, cooccurrence_share=0.25, cooccurrence_fit_exponent=0.5)
    )
    assert fitted is not None
    assert fitted.blend_weight == 0.25
    assert fitted.weights.dtype == np.float32
    # The root of 4 is 2. Ridge regression: item 2 has the weight 2 / (4 + 1) for item 0, item 0 2 / (3 + 1) for item 2.
    assert fitted.weights.toarray() == pytest.approx(np.array([[0, 0, 2 / 4], [0, 0, 0], [2 / 5, 0, 0]]))


def test_the_exponent_0_makes_all_pairs_the_same() -> None:
    pairs = some_pairs(9, 20).astype(np.float32)
    ones = (pairs > 0).astype(np.float32)
    same = fit_item_weights(pairs, Settings(cooccurrence_fit_exponent=0.0))
    plain = fit_item_weights(ones.tocsr(), Settings(cooccurrence_fit_exponent=1.0))
    assert same is not None
    assert plain is not None
    assert same.weights.toarray().tolist() == plain.weights.toarray().tolist()


def test_the_number_of_items_decides_between_the_two_kinds() -> None:
    pairs = some_pairs(9, 20).astype(np.float32)
    settings = Settings(cooccurrence_share=0.2, cooccurrence_sparse_share=0.7, cooccurrence_shrinkage=2.0)
    sparse_kind = fit_item_weights(pairs, settings.model_copy(update={"cooccurrence_dense_items": 19}))
    assert sparse_kind is not None
    assert sparse_kind.blend_weight == 0.7
    by_cosine = nearest_by_cosine(pairs.power(0.25).astype(np.float64).tocsr(), 2.0, 200)
    assert sparse_kind.weights.toarray() == pytest.approx(by_cosine.toarray(), abs=1e-6)
    dense_kind = fit_item_weights(pairs, settings.model_copy(update={"cooccurrence_dense_items": 20}))
    assert dense_kind is not None
    assert dense_kind.blend_weight == 0.2
    assert (dense_kind.weights != dense_kind.weights.T).nnz > 0


def test_without_a_blend_weight_or_without_pairs_there_are_no_weights() -> None:
    assert fit_item_weights(some_pairs(9, 20), Settings(cooccurrence_share=0)) is None
    off = Settings(cooccurrence_share=0, cooccurrence_dense_items=1)
    assert fit_item_weights(some_pairs(9, 20), off) is None
    off = Settings(cooccurrence_sparse_share=0, cooccurrence_dense_items=1)
    assert fit_item_weights(some_pairs(9, 20), off) is None
    assert fit_item_weights(sparse.csr_matrix((3, 4), dtype=np.float32), Settings()) is None


def test_cold_items_get_weights_by_their_features_and_a_blend_weight_of_their_own() -> None:
    # Items 0 and 1 have pairs; item 2 carries what item 0 does.
    pairs = sparse.csr_matrix(np.array([[1, 0, 0], [1, 1, 0]], np.float32))
    metadata = sparse.csr_matrix(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    settings = Settings(cold_item_lambda=3.0, cold_item_share=0.4)
    fitted, without = fit_item_weights(pairs, settings, metadata), fit_item_weights(pairs, settings)
    assert fitted is not None
    assert without is not None
    assert fitted.cold_blend_weight == 0.4
    # 1 / (1 + 3), and nothing of item 1.
    assert fitted.weights[:, [2]].toarray().ravel().tolist() == [0.25, 0, 0]
    assert fitted.weights[:, [0, 1]].toarray().tolist() == without.weights[:, [0, 1]].toarray().tolist()
    assert without.weights[:, [2]].nnz == 0
    undecided = fit_item_weights(pairs, settings.model_copy(update={"cold_item_share": 0.0}), metadata)
    none = fit_item_weights(pairs, Settings(cold_item_share=0.0, cold_item_choice="fixed"), metadata)
    assert undecided is not None
    assert none is not None
    assert undecided.weights[:, [2]].nnz == 1
    assert none.weights[:, [2]].nnz == 0
