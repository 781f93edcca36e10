"""The product of histories and item weights, dense; used by the blend."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import _sparsetools

from nightjar.contract.artifacts.embeddings import Vectors


def history_product(history: sparse.csr_matrix, weights: sparse.csr_matrix) -> Vectors:
    """Return `(history @ weights).toarray()`, bit by bit.

    scipy first counts the entries of a sparse product, which takes nearly as long as the product itself (16 of 36 ms
    for 32 users and 27,000 items). Their upper bound is known: those of the weights' rows, and of a full matrix.

    Args:
        history: (users, items) float32 CSR.
        weights: (items, columns) float32 CSR.
    """
    users, columns = history.shape[0], weights.shape[1]
    entries = np.diff(weights.indptr)[history.indices].sum(dtype=np.int64)
    size = min(int(entries), users * columns)
    if max(size, weights.nnz, history.nnz) > np.iinfo(np.int32).max:
        product: Vectors = (history @ weights).toarray()
        return product
    parts = np.empty(users + 1, np.int32), np.empty(size, np.int32), np.empty(size, np.float32)
    _sparsetools.csr_matmat(users, columns, *_parts(history), *_parts(weights), *parts)
    dense = np.zeros((users, columns), np.float32)
    _sparsetools.csr_todense(users, columns, *parts, dense)
    return dense


def _parts(matrix: sparse.csr_matrix) -> tuple[NDArray[np.int32], NDArray[np.int32], Vectors]:
    return (
        np.asarray(matrix.indptr, np.int32),
        np.asarray(matrix.indices, np.int32),
        np.asarray(matrix.data, np.float32),
    )
