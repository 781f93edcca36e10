"""Item-item weights and embeddings of cold items, predicted from their features.

Pure; `ml.models.cooccurrence` adds the weights to those that co-occurrence gives the other items,
`ml.models.trained_embeddings` the embedding to the trained ones. Both are ridge regressions on the items' TF-IDF rows,
one of the interactions, the other of the trained vectors: with F the rows of the items with interactions, V their
vectors and f the row of a cold item,

    w = F (F'F + ridge I)^-1 f,    x = (1 - weight) s + weight (mean V + (V - mean V)' w)

w is how much each item with interactions adds to its score, the same for all users. Unlike the cosine of two rows it
counts what several features share only once. s is the sum of the factors that the fit gave its features; V holds the
factors of identities too. docs/decisions/blend.md says why the two are mixed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import lsmr

from ml.data.encoded_features import is_encoded
from ml.data.training_data import IDENTITY_PREFIX, RARE_SUFFIX, TrainingData
from ml.models.largest_weights import pruned_columns
from nightjar.contract.artifacts.embeddings import Vectors

_BLOCK_CELLS = 4_000_000


def metadata_rows(data: TrainingData) -> sparse.csr_matrix:
    """Return what describes items besides their identities: (items, features and dimensions) float64 CSR.

    Features are TF-IDF rows. Each row's length becomes its square root, over the mean length: items with more features
    have more users, but one row may not outweigh the others. A folded `kind:(rare)` feature carries no information
    about the item and is left out. So are the halves of the dimensions of texts and vectors: half of all items carry
    each. Vectors stand beside the features as they are, those of texts act through their factors alone. Rows without a
    vector and without a feature that distinguishes items are empty.
    """
    names = [str(name) for name in data.item_feature_names]
    kept = [not (name.startswith(IDENTITY_PREFIX) or name.endswith(RARE_SUFFIX) or is_encoded(name)) for name in names]
    features = data.item_features[:, np.flatnonzero(kept)].astype(np.float64).tocsr()
    carriers = np.maximum(features.getnnz(axis=0), 1)
    # The cap on the sum of an item's weights scaled rows down; a mean weight of 1 restores their lengths.
    mean_weight = np.asarray(features.sum(axis=1)).ravel() / np.maximum(features.getnnz(axis=1), 1)
    scale = np.divide(1, mean_weight, out=np.zeros_like(mean_weight), where=mean_weight > 0)
    idf = np.log(features.shape[0] / carriers)
    rows = sparse.csr_matrix(sparse.diags_array(scale) @ features @ sparse.diags_array(idf))
    rows.eliminate_zeros()
    lengths = _lengths(rows)
    mean_length = lengths[lengths > 0].mean() if rows.nnz else 1.0
    tf_idf = sparse.csr_matrix(sparse.diags_array(np.sqrt(lengths / mean_length)) @ unit_rows(rows))
    if data.item_vectors is None:
        return tf_idf
    return sparse.csr_matrix(sparse.hstack([tf_idf, data.item_vectors.astype(np.float64)], format="csr"))


def unit_rows(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the rows scaled to length 1; a row of zeros stays one."""
    lengths = _lengths(rows)
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags_array(scale) @ rows)


@dataclass(frozen=True)
class ColdVectors:
    """Vectors of cold items, predicted from those of the items with interactions.

    Attributes:
        items: (n,) cold items whose row is not empty.
        predicted: (n, dim) float64.
    """

    items: NDArray[np.int64]
    predicted: NDArray[np.float64]

    def mixed_into(self, vectors: Vectors, weight: float) -> Vectors:
        """Return the vectors, those of `items` as a mean of their own and, with the weight (0 to 1), of `predicted`."""
        mixed = vectors.copy()
        mixed[self.items] = (1 - weight) * vectors[self.items] + weight * self.predicted
        return mixed


def cold_vectors(rows: sparse.csr_matrix, is_warm: NDArray[np.bool_], vectors: Vectors, ridge: float) -> ColdVectors:
    """Regress the vectors of the items with interactions on their rows, and predict by it those of cold items.

    Args:
        rows: as `metadata_rows` returns them.
        is_warm: (items,) whether an item has interactions.
        vectors: (items, dim) float32, the sums of the features' factors.
        ridge: above 0; in units of squared row length.
    """
    has_row = rows.getnnz(axis=1) > 0
    warm, cold = np.flatnonzero(is_warm & has_row), np.flatnonzero(~is_warm & has_row)
    if len(warm) == 0 or len(cold) == 0:
        return ColdVectors(cold[:0], np.empty((0, vectors.shape[1])))
    of_warm = rows[warm]
    mean = vectors[warm].mean(axis=0, dtype=np.float64)
    centred = vectors[warm] - mean
    coefficients = [lsmr(of_warm, each, damp=np.sqrt(ridge), atol=1e-8, btol=1e-8)[0] for each in centred.T]
    return ColdVectors(cold, mean + rows[cold] @ np.column_stack(coefficients))


def cold_weights(
    rows: sparse.csr_matrix, is_warm: NDArray[np.bool_], ridge: float, neighbours: int, most_features: int
) -> sparse.csc_matrix:
    """Return the weights of cold items: (items, items) float64 CSC, other columns empty.

    Takes 8 bytes a pair of features.

    Args:
        rows: as `metadata_rows` returns them.
        is_warm: (items,) whether an item has interactions.
        ridge: above 0; in units of squared row length.
        neighbours: weights kept an item, the largest by size.
        most_features: the features that most warm items carry, at most so many, count.
    """
    warm = np.flatnonzero(is_warm & (rows.getnnz(axis=1) > 0))
    cold = np.flatnonzero(~is_warm & (rows.getnnz(axis=1) > 0))
    carriers = rows[warm].getnnz(axis=0)
    features = np.sort(np.lexsort((np.arange(len(carriers)), -carriers))[:most_features])
    features = features[carriers[features] > 0]
    empty = sparse.csc_matrix((rows.shape[0],) * 2)
    if len(warm) == 0 or len(cold) == 0 or len(features) == 0:
        return empty
    of_warm, of_cold = rows[warm][:, features].tocsr(), rows[cold][:, features].tocsr()
    gram = (of_warm.T @ of_warm).toarray()
    gram[np.diag_indices_from(gram)] += ridge
    factor = linalg.cho_factor(gram, overwrite_a=True)
    blocks = [empty[:, :0]]
    for block in _blocks(len(cold), max(len(warm), len(features))):
        weights = of_warm @ linalg.cho_solve(factor, of_cold[block].toarray().T)
        kept = pruned_columns(weights, neighbours)
        shape = (rows.shape[0], kept.shape[1])
        blocks.append(sparse.csc_matrix((kept.data, warm[kept.indices], kept.indptr), shape=shape))
    columns = sparse.hstack(blocks, format="csc")
    starts = np.zeros(rows.shape[0] + 1, np.int64)
    starts[cold + 1] = columns.getnnz(axis=0)
    return sparse.csc_matrix((columns.data, columns.indices, np.cumsum(starts)), shape=empty.shape)


def _lengths(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.asarray(rows.power(2).sum(axis=1)).ravel())
    return lengths


def _blocks(columns: int, rows: int) -> Iterator[slice]:
    size = max(1, _BLOCK_CELLS // rows)
    return (slice(start, start + size) for start in range(0, columns, size))
