"""Item-item co-occurrence weights from weighted user-item pairs: EASE, and a sparse kind for catalogues beyond it.

Pure; used by the stages evaluate_model and fit_model.
"""

from collections.abc import Iterator

import numpy as np
from implicit.nearest_neighbours import all_pairs_knn
from numpy.typing import NDArray
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.training_data import TrainingData
from ml.models.cold_items import cold_weights, metadata_rows
from ml.models.largest_weights import pruned_columns
from nightjar.contract.artifacts.item_weights import ItemWeights, raised
from nightjar.contract.settings import FIXED, Settings

_BLOCK_CELLS = 4_000_000


def fit_item_weights(
    pairs: sparse.csr_matrix, settings: Settings, metadata: sparse.csr_matrix | None = None
) -> ItemWeights | None:
    """Fit the weights under the settings; None where co-occurrence has no blend weight or there is no pair.

    Args:
        pairs: (users, items) float32 CSR, weight > 0 of each positive pair.
        settings: blend weights, exponents, ridges, neighbours, and up to how many items the dense inverse is computed.
        metadata: the items' rows as of `ml.models.cold_items`, by which cold items get weights; None: they get none.
    """
    items = np.flatnonzero(pairs.getnnz(axis=0))
    is_dense = len(items) <= settings.cooccurrence_dense_items
    blend_weight = settings.cooccurrence_share if is_dense else settings.cooccurrence_sparse_share
    if 0 in (blend_weight, settings.cooccurrence_share) or len(items) == 0:
        return None
    occurring = raised(pairs[:, items].astype(np.float64).tocsr(), settings.cooccurrence_fit_exponent)
    # More threads would change last bits.
    with threadpool_limits(1):
        if is_dense:
            warm = ease(occurring, settings.cooccurrence_lambda, settings.cooccurrence_neighbours).tocoo()
        else:
            shrinkage = settings.cooccurrence_shrinkage
            warm = nearest_by_cosine(occurring, shrinkage, settings.cooccurrence_neighbours).tocoo()
        cold = _of_cold_items(pairs, settings, metadata)
    weights = sparse.csr_matrix(
        (
            np.concatenate([warm.data, cold.data]).astype(np.float32),
            (np.concatenate([items[warm.row], cold.row]), np.concatenate([items[warm.col], cold.col])),
        ),
        shape=(pairs.shape[1],) * 2,
    )
    weights.sort_indices()
    exponent = settings.cooccurrence_history_exponent
    return ItemWeights(blend_weight, exponent, weights, cold_blend_weight=settings.cold_item_share)


def item_weights_of(data: TrainingData, pairs: sparse.csr_matrix, settings: Settings) -> ItemWeights | None:
    """Fit the weights of a model on some pairs, those of cold items by the features of `data`."""
    return fit_item_weights(pairs, settings, metadata_rows(data))


def _of_cold_items(
    pairs: sparse.csr_matrix, settings: Settings, metadata: sparse.csr_matrix | None
) -> sparse.coo_matrix:
    if metadata is None or (settings.cold_item_choice == FIXED and settings.cold_item_share == 0):
        return sparse.coo_matrix((pairs.shape[1],) * 2)
    return cold_weights(
        metadata,
        pairs.getnnz(axis=0) > 0,
        settings.cold_item_lambda,
        settings.cold_item_neighbours,
        settings.cooccurrence_dense_items,
    ).tocoo()


def ease(pairs: sparse.csr_matrix, ridge: float, neighbours: int) -> sparse.csc_matrix:
    """EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"), pruned.

    With P = (X'X + ridge I)^-1 the weight of item j for item i is -P[j, i] / P[i, i], 0 for j = i: the ridge
    regression of each item on all others. The `neighbours` largest weights of each item are kept. Takes 8 bytes a
    pair of items, or where there are fewer users than items, 8 bytes a pair of users (Woodbury).

    Args:
        pairs: (users, items) float64, each column with an entry.
        ridge: above 0; in units of squared weight.
        neighbours: weights kept an item.

    Returns:
        (items, items) float64 CSC; row: the item of the history, column: the item scored.
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


def _inverse_blocks(pairs: sparse.csr_matrix, ridge: float) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield P column block by column block, with the number of each block's first column."""
    matrix = np.asfortranarray((pairs.T @ pairs).toarray())
    matrix[np.diag_indices_from(matrix)] += ridge
    factor, _ = linalg.lapack.dpotrf(matrix, lower=1, overwrite_a=1, clean=0)
    lower, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    for start, stop in _blocks(len(lower)):
        block = lower[:, start:stop].copy()
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


def _pruned(inverse: NDArray[np.float64], start: int, neighbours: int) -> sparse.csc_matrix:
    places = np.arange(inverse.shape[1])
    weights = -inverse / inverse[start + places, places]
    weights[start + places, places] = 0
    return pruned_columns(weights, neighbours)
