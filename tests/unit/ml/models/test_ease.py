"""Item-item weights against the formula written out."""

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingPart
from ml.models.ease import Ease, ItemCosine, ease, nearest_by_cosine
from nightjar.contract.artifacts.sources import HistoryRule, ItemWeights
from nightjar.contract.settings import Settings
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data


def part_of(pairs: sparse.csr_matrix) -> TrainingPart:
    return training_data(pairs.astype(np.float32).tocsr()).train_part


def fitted_by_ease(pairs: sparse.csr_matrix, settings: Settings) -> ItemWeights:
    fitted = Ease().fit(part_of(pairs), settings)
    assert fitted is not None
    return fitted


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
    monkeypatch.setattr("ml.models.ease._BLOCK_CELLS", 5 * items)
    pairs = some_pairs(users, items)
    assert ease(pairs, 0.7, items).toarray() == pytest.approx(by_formula(pairs.toarray(), 0.7), abs=1e-6)


def test_where_single_precision_would_not_do_double_is_taken() -> None:
    # The largest eigenvalue is about a million times the ridge.
    pairs, ridge = some_pairs(30, 12), 1e-5
    assert ease(pairs, ridge, 12).toarray() == pytest.approx(by_formula(pairs.toarray(), ridge))
    assert (ease(pairs, 0.7, 12).dtype, ease(pairs, ridge, 12).dtype) == (np.float32, np.float64)


def test_pruning_keeps_the_largest_weights_of_each_item() -> None:
    pairs = some_pairs(30, 12)
    whole, pruned = by_formula(pairs.toarray(), 0.7), ease(pairs, 0.7, 3).toarray()
    for column in range(12):
        largest = np.argsort(-np.abs(whole[:, column]))[:3]
        assert set(np.flatnonzero(pruned[:, column])) == set(largest)
        assert pruned[largest, column] == pytest.approx(whole[largest, column], abs=1e-6)


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
    pairs = matrix([[1, 0, 4], [1, 0, 0], [1, 0, 0]])
    settings = Settings(cooccurrence_lambda=1.0, cooccurrence_fit_exponent=0.5, cooccurrence_history_exponent=3.0)
    fitted = fitted_by_ease(pairs, settings)
    assert fitted.history == HistoryRule(3.0)
    assert fitted.average is None
    assert fitted.weights.dtype == np.float32
    # The root of 4 is 2. Ridge regression: item 2 has the weight 2 / (4 + 1) for item 0, item 0 2 / (3 + 1) for item 2.
    assert fitted.weights.toarray() == pytest.approx(np.array([[0, 0, 2 / 4], [0, 0, 0], [2 / 5, 0, 0]]))


def test_the_exponent_0_makes_all_pairs_the_same() -> None:
    pairs = some_pairs(9, 20)
    same = fitted_by_ease(pairs, Settings(cooccurrence_fit_exponent=0.0))
    plain = fitted_by_ease(pairs > 0, Settings(cooccurrence_fit_exponent=1.0))
    assert same.weights.toarray().tolist() == plain.weights.toarray().tolist()


def test_the_number_of_items_decides_between_ease_and_cosines() -> None:
    pairs = some_pairs(9, 20).astype(np.float32)
    settings = Settings(cooccurrence_shrinkage=2.0)
    few, many = (settings.model_copy(update={"cooccurrence_dense_items": items}) for items in (20, 19))
    # An item without pairs does not count.
    part = part_of(sparse.hstack([pairs, sparse.csr_matrix((9, 1))]))
    assert ItemCosine().fit(part, few) is None
    assert Ease().fit(part, many) is None
    by_ease, by_cosine = Ease().fit(part, few), ItemCosine().fit(part, many)
    assert by_ease is not None
    assert by_cosine is not None
    assert (by_ease.weights != by_ease.weights.T).nnz > 0
    expected = nearest_by_cosine(pairs.power(0.25).astype(np.float64).tocsr(), 2.0, 200).toarray()
    assert by_cosine.weights.toarray()[:20, :20] == pytest.approx(expected, abs=1e-6)
    assert by_cosine.history == by_ease.history == HistoryRule(settings.cooccurrence_history_exponent)


def test_each_has_a_blend_weight_of_its_own_and_without_that_of_ease_neither_ranks() -> None:
    settings = Settings(cooccurrence_share=0.2, cooccurrence_sparse_share=0.7)
    assert (Ease().weight(settings), ItemCosine().weight(settings)) == (0.2, 0.7)
    settings = settings.model_copy(update={"cooccurrence_share": 0.0})
    assert (Ease().weight(settings), ItemCosine().weight(settings)) == (0, 0)


def test_without_a_blend_weight_or_without_pairs_nothing_is_fitted() -> None:
    part = part_of(some_pairs(9, 20))
    assert Ease().fit(part, Settings(cooccurrence_share=0)) is None
    for off in ({"cooccurrence_share": 0}, {"cooccurrence_sparse_share": 0}):
        assert ItemCosine().fit(part, Settings(cooccurrence_dense_items=1, **off)) is None
    empty = part_of(sparse.csr_matrix((3, 4)))
    assert Ease().fit(empty, Settings()) is None
    assert ItemCosine().fit(empty, Settings()) is None


def test_equal_fits_are_equal_to_the_last_bit() -> None:
    one, other = (fitted_by_ease(some_pairs(30, 12), Settings()) for _ in range(2))
    assert one.weights.data.tobytes() == other.weights.data.tobytes()
    assert one.weights.indices.tolist() == other.weights.indices.tolist()
