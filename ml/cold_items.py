"""Item-item weights of items without interactions, from what their features share with those of the others.

Pure; `ml.item_item` adds them to those that co-occurrence gave the other items. They are the regression of what users
took on the items' TF-IDF rows: with F the rows of the items with interactions and f that of an item without any,

    w = F (F'F + ridge I)^-1 f

says how much each item with interactions speaks for it, the same for all users. Unlike the cosine of two rows it takes
from a feature what others already say.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from ml.known import IDENTITY_PREFIX, RARE_SUFFIX
from ml.pruned_columns import pruned_columns
from ml.training_data import TrainingData

_BLOCK_CELLS = 4_000_000


def metadata_rows(data: TrainingData) -> sparse.csr_matrix:
    """Return the items' features without identities as TF-IDF rows of length 1: (items, features) float64 CSR.

    A folded `kind:(rare)` feature says nothing about the one who carries it and is left out. Rows without a feature
    that tells items apart are empty.
    """
    names = [str(name) for name in data.item_feature_names]
    kept = [not name.startswith(IDENTITY_PREFIX) and not name.endswith(RARE_SUFFIX) for name in names]
    features = data.item_features[:, np.flatnonzero(kept)].astype(np.float64).tocsr()
    carriers = np.maximum(features.getnnz(axis=0), 1)
    rows = unit_rows(features @ sparse.diags_array(np.log(features.shape[0] / carriers)))
    rows.eliminate_zeros()
    return rows


def unit_rows(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the rows scaled to length 1; a row of zeros stays one."""
    lengths = np.sqrt(np.asarray(rows.power(2).sum(axis=1)).ravel())
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags_array(scale) @ rows)


def cold_weights(
    rows: sparse.csr_matrix, is_known: NDArray[np.bool_], ridge: float, neighbours: int, most_features: int
) -> sparse.csc_matrix:
    """Return the weights of the items without interactions: (items, items) float64 CSC, other columns empty.

    Takes 8 bytes a pair of features.

    Args:
        rows: as `metadata_rows` returns them.
        is_known: (items,) whether an item has interactions.
        ridge: above 0; in units of squared row length.
        neighbours: weights kept an item, the largest by size.
        most_features: the features that most known items carry, at most so many, count.
    """
    known = np.flatnonzero(is_known & (rows.getnnz(axis=1) > 0))
    cold = np.flatnonzero(~is_known & (rows.getnnz(axis=1) > 0))
    carriers = rows[known].getnnz(axis=0)
    features = np.sort(np.lexsort((np.arange(len(carriers)), -carriers))[:most_features])
    features = features[carriers[features] > 0]
    empty = sparse.csc_matrix((rows.shape[0],) * 2)
    if len(known) == 0 or len(cold) == 0 or len(features) == 0:
        return empty
    of_known, of_cold = rows[known][:, features].tocsr(), rows[cold][:, features].tocsr()
    gram = (of_known.T @ of_known).toarray()
    gram[np.diag_indices_from(gram)] += ridge
    factor = linalg.cho_factor(gram, overwrite_a=True)
    found = [empty[:, :0]]
    for block in _blocks(len(cold), max(len(known), len(features))):
        weights = of_known @ linalg.cho_solve(factor, of_cold[block].toarray().T)
        kept = pruned_columns(weights, neighbours)
        shape = (rows.shape[0], kept.shape[1])
        found.append(sparse.csc_matrix((kept.data, known[kept.indices], kept.indptr), shape=shape))
    placed = sparse.hstack(found, format="csc")
    starts = np.zeros(rows.shape[0] + 1, np.int64)
    starts[cold + 1] = placed.getnnz(axis=0)
    return sparse.csc_matrix((placed.data, placed.indices, np.cumsum(starts)), shape=empty.shape)


def _blocks(columns: int, rows: int) -> Iterator[slice]:
    size = max(1, _BLOCK_CELLS // rows)
    return (slice(start, start + size) for start in range(0, columns, size))
