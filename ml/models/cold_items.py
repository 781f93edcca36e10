"""What the features of an item without interactions say of it: its item-item weights and its embedding.

Pure; `ml.models.cooccurrence` adds the weights to those that co-occurrence gave the other items,
`ml.models.trained_embeddings` the embedding to the trained ones. Both are ridge regressions on the items' TF-IDF rows,
the one of what users took, the other of the trained vectors: with F the rows of the items with interactions, V their
vectors and f the row of an item without any,

    w = F (F'F + ridge I)^-1 f,    x = (1 - share) s + share (mean V + (V - mean V)' w)

w says how much each item with interactions speaks for it, the same for all users. Unlike the cosine of two rows it
takes from a feature what others already say. s is the sum of the factors that the fit gave its features; V holds what
identities learned besides. docs/decisions/blend.md says why both have a share.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import lsmr

from ml.data.training_data import IDENTITY_PREFIX, RARE_SUFFIX, TEXT_PREFIX, TrainingData
from ml.models.largest_weights import pruned_columns
from nightjar.contract.artifacts.embeddings import Vectors

_BLOCK_CELLS = 4_000_000


def metadata_rows(data: TrainingData) -> sparse.csr_matrix:
    """Return the items' features without identities as TF-IDF rows: (items, features) float64 CSR.

    Their length is the root of what it was, over its mean: an item of which more is said is wanted by more users, but
    one row may not drown the others. A folded `kind:(rare)` feature says nothing about the one who carries it and is
    left out. So are those of texts, half of which any item with a text carries: they act through their factors alone.
    Rows without a feature that tells items apart are empty.
    """
    names = [str(name) for name in data.item_feature_names]
    kept = [not name.startswith((IDENTITY_PREFIX, TEXT_PREFIX)) and not name.endswith(RARE_SUFFIX) for name in names]
    features = data.item_features[:, np.flatnonzero(kept)].astype(np.float64).tocsr()
    carriers = np.maximum(features.getnnz(axis=0), 1)
    # The cap on the sum of an item's weights has scaled rows down; a mean weight of 1 gives them their lengths back.
    usual_weight = np.asarray(features.sum(axis=1)).ravel() / np.maximum(features.getnnz(axis=1), 1)
    scale = np.divide(1, usual_weight, out=np.zeros_like(usual_weight), where=usual_weight > 0)
    idf = np.log(features.shape[0] / carriers)
    rows = sparse.csr_matrix(sparse.diags_array(scale) @ features @ sparse.diags_array(idf))
    rows.eliminate_zeros()
    lengths = _lengths(rows)
    usual = lengths[lengths > 0].mean() if rows.nnz else 1.0
    return sparse.csr_matrix(sparse.diags_array(np.sqrt(lengths / usual)) @ unit_rows(rows))


def unit_rows(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the rows scaled to length 1; a row of zeros stays one."""
    lengths = _lengths(rows)
    scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags_array(scale) @ rows)


@dataclass(frozen=True)
class ColdVectors:
    """What the others' vectors say of the items without interactions.

    Attributes:
        items: (n,) those whose row is not empty.
        by_others: (n, dim) float64.
    """

    items: NDArray[np.int64]
    by_others: NDArray[np.float64]

    def mixed_into(self, vectors: Vectors, share: float) -> Vectors:
        """Return the vectors, those of `items` as a mean of their own and, with the share (0 to 1), of `by_others`."""
        mixed = vectors.copy()
        mixed[self.items] = (1 - share) * vectors[self.items] + share * self.by_others
        return mixed


def cold_vectors(rows: sparse.csr_matrix, is_known: NDArray[np.bool_], vectors: Vectors, ridge: float) -> ColdVectors:
    """Regress the vectors of the items with interactions on their rows, and say by it those of the items without.

    Args:
        rows: as `metadata_rows` returns them.
        is_known: (items,) whether an item has interactions.
        vectors: (items, dim) float32, the sums of the features' factors.
        ridge: above 0; in units of squared row length.
    """
    has_row = rows.getnnz(axis=1) > 0
    known, cold = np.flatnonzero(is_known & has_row), np.flatnonzero(~is_known & has_row)
    if len(known) == 0 or len(cold) == 0:
        return ColdVectors(cold[:0], np.empty((0, vectors.shape[1])))
    of_known = rows[known]
    mean = vectors[known].mean(axis=0, dtype=np.float64)
    centred = vectors[known] - mean
    coefficients = [lsmr(of_known, each, damp=np.sqrt(ridge), atol=1e-8, btol=1e-8)[0] for each in centred.T]
    return ColdVectors(cold, mean + rows[cold] @ np.column_stack(coefficients))


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


def _lengths(rows: sparse.csr_matrix) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.asarray(rows.power(2).sum(axis=1)).ravel())
    return lengths


def _blocks(columns: int, rows: int) -> Iterator[slice]:
    size = max(1, _BLOCK_CELLS // rows)
    return (slice(start, start + size) for start in range(0, columns, size))
