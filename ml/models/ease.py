"""Item-item co-occurrence weights: EASE, and shrunk cosines for catalogues too large for its dense inverse."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from implicit.nearest_neighbours import all_pairs_knn
from numpy.typing import NDArray
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.training_data import TrainingPart
from ml.models.largest_weights import pruned_columns
from nightjar.contract.artifacts.sources import WARM, HistoryRule, ItemWeights, raised
from nightjar.contract.settings import Settings

_BLOCK_CELLS = 4_000_000
# By the bound of the rounding, which measured differences of weights stay a hundred times below.
_MOST_ROUNDING = 1e-3
# Beside the one of the settings, which stresses the newest few: all alike, and as recent as they are.
_OTHER_HISTORIES = {"even": HistoryRule(0.0), "recent": HistoryRule(1.0)}


class Ease:
    """EASE, up to `cooccurrence_dense_items` items with interactions."""

    name, items = "ease", WARM

    def weight(self, settings: Settings) -> float:
        """Of the blend."""
        return settings.cooccurrence_share

    def fit(self, part: TrainingPart, settings: Settings) -> ItemWeights | None:
        """Fit the weights; None where the catalogue is larger, or where they weigh nothing."""
        if self.weight(settings) == 0 or not is_dense(part.pairs, settings):
            return None
        return _fitted(
            part.pairs,
            settings,
            lambda pairs: ease(pairs, settings.cooccurrence_lambda, settings.cooccurrence_neighbours),
        )


class ItemCosine:
    """Shrunk cosines of the items' users, beyond `cooccurrence_dense_items` items with interactions."""

    name, items = "item_cosine", WARM

    def weight(self, settings: Settings) -> float:
        """Of the blend."""
        return settings.cooccurrence_sparse_share if settings.cooccurrence_share > 0 else 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemWeights | None:
        """Fit the weights; None where the catalogue is small enough for EASE, or where they weigh nothing."""
        if self.weight(settings) == 0 or is_dense(part.pairs, settings):
            return None
        return _fitted(
            part.pairs,
            settings,
            lambda pairs: nearest_by_cosine(pairs, settings.cooccurrence_shrinkage, settings.cooccurrence_neighbours),
        )


def is_dense(pairs: sparse.csr_matrix, settings: Settings) -> bool:
    """Whether the items with interactions are few enough for a dense inverse."""
    return int(np.count_nonzero(pairs.getnnz(axis=0))) <= settings.cooccurrence_dense_items


def _fitted(
    pairs: sparse.csr_matrix, settings: Settings, fit: Callable[[sparse.csr_matrix], sparse.csc_matrix]
) -> ItemWeights | None:
    """Fit weights to the items that occur, and return them by the index of the catalogue; None without a pair."""
    items = np.flatnonzero(pairs.getnnz(axis=0))
    if len(items) == 0:
        return None
    occurring = raised(pairs[:, items].astype(np.float64).tocsr(), settings.cooccurrence_fit_exponent)
    # More threads would change last bits.
    with threadpool_limits(1):
        fitted = fit(occurring).tocoo()
    weights = sparse.csr_matrix(
        (fitted.data.astype(np.float32), (items[fitted.row], items[fitted.col])), shape=(pairs.shape[1],) * 2
    )
    weights.sort_indices()
    return ItemWeights(weights, HistoryRule(settings.cooccurrence_history_exponent), other_histories=_OTHER_HISTORIES)


def ease(pairs: sparse.csr_matrix, ridge: float, neighbours: int) -> sparse.csc_matrix:
    """EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"), pruned.

    With P = (X'X + ridge I)^-1 the weight of item j for item i is -P[j, i] / P[i, i], 0 for j = i: the ridge
    regression of each item on all others. The `neighbours` largest weights of each item are kept. Takes 4 bytes a
    pair of items (8 where float32 is not precise enough), or where there are fewer users than items, 8 bytes a pair of
    users (Woodbury).

    Args:
        pairs: (users, items) float64, not negative, each column with an entry.
        ridge: above 0; in units of squared weight.
        neighbours: weights kept an item.

    Returns:
        (items, items) CSC; row: the item of the history, column: the item scored.
    """
    users, items = pairs.shape
    inverse = _inverse_blocks(pairs, ridge) if items <= users else _inverse_blocks_by_users(pairs, ridge)
    return sparse.hstack([_pruned(block, start, neighbours) for start, block in inverse], format="csc")


def nearest_by_cosine(pairs: sparse.csr_matrix, shrinkage: float, neighbours: int) -> sparse.csc_matrix:
    """Weighted cosine of the items' columns, shrunk: X_j'X_i / sqrt((|X_j|^2 + s) (|X_i|^2 + s)).

    Sparse throughout: never holds more than `neighbours` weights of each item. The shrinkage s is above 0, in units of
    squared weight; other arguments and result as of `ease`.
    """
    norms = np.sqrt(np.asarray(pairs.multiply(pairs).sum(axis=0)).ravel() + shrinkage)
    scaled = (pairs @ sparse.diags(1 / norms)).tocsr()
    # One more than requested, because each item is its own nearest neighbour.
    nearest = all_pairs_knn(scaled, neighbours + 1, num_threads=1, show_progress=False).tocsr()
    nearest.setdiag(0)
    nearest.eliminate_zeros()
    return nearest.T.tocsc()


def _precision(gram: sparse.csr_matrix, ridge: float) -> type[np.floating[Any]]:
    """Return float32, which takes half the time and memory, where that is precise enough.

    The rounding of an inverse is in proportion to the condition number: the largest eigenvalue, which no sum of a row
    is below, relative to the ridge.
    """
    largest = float(gram.sum(axis=1).max())
    rounding = float(np.finfo(np.float32).eps) * (largest + ridge) / ridge
    return np.float32 if rounding < _MOST_ROUNDING else np.float64


def _inverse_blocks(pairs: sparse.csr_matrix, ridge: float) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield P column block by column block, with the number of each block's first column."""
    gram = (pairs.T @ pairs).tocsr()
    gram.data = gram.data.astype(_precision(gram, ridge))
    # The transposed view of a symmetric matrix is what LAPACK takes without a copy.
    matrix = gram.toarray().T
    matrix[np.diag_indices_from(matrix)] += matrix.dtype.type(ridge)
    factorised, inverted = linalg.get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, _ = factorised(matrix, lower=1, overwrite_a=1, clean=0)
    lower, _ = inverted(factor, lower=1, overwrite_c=1)
    for start, stop in _blocks(len(lower)):
        block = lower[:, start:stop].copy(order="F")
        block[:start] = lower[start:stop, :start].T
        square = np.tril(block[start:stop])
        block[start:stop] = square + np.tril(square, -1).T
        yield start, block


def _inverse_blocks_by_users(pairs: sparse.csr_matrix, ridge: float) -> Iterator[tuple[int, NDArray[np.float64]]]:
    # (X'X + r I)^-1 = (I - X' (X X' + r I)^-1 X) / r
    matrix = (pairs @ pairs.T).toarray()
    matrix[np.diag_indices_from(matrix)] += ridge
    factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True)
    columns, rows = pairs.tocsc(), pairs.T.tocsr()
    for start, stop in _blocks(pairs.shape[1]):
        block = -(rows @ linalg.cho_solve(factor, columns[:, start:stop].toarray())) / ridge
        block[np.arange(start, stop), np.arange(stop - start)] += 1 / ridge
        yield start, block


def _blocks(items: int) -> Iterator[tuple[int, int]]:
    size = max(1, _BLOCK_CELLS // items)
    return ((start, min(start + size, items)) for start in range(0, items, size))


def _pruned(inverse: NDArray[Any], start: int, neighbours: int) -> sparse.csc_matrix:
    places = np.arange(inverse.shape[1])
    weights = -inverse / inverse[start + places, places]
    weights[start + places, places] = 0
    return pruned_columns(weights, neighbours)
