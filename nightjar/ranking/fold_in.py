"""Fold-in: a user's vector from their newest items, without training.

Pure; used for requests of one user, and by the evaluation, for users held out of the training whose older items it
uses. docs/experiments/fold-in.md compares the weighted mean with alternatives.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from nightjar.contract.artifacts.embeddings import TRAINED, Embeddings, Vectors


def newest_weights(recency: sparse.csr_matrix, newest: int) -> sparse.csr_matrix:
    """Weigh each user's newest items: of n items the newest has weight 1, the next (n - 1)/n, the n-th 1/n.

    Args:
        recency: (users, items) CSR, 1 for a user's newest item, 2 for the one before, ...
        newest: items that count at most, n.

    Returns:
        (users, items) float32 CSR.
    """
    weights = recency.tocsr().astype(np.float64)
    counts = np.repeat(np.minimum(np.diff(weights.indptr), newest), np.diff(weights.indptr))
    weights.data = np.maximum(counts - weights.data + 1, 0) / np.maximum(counts, 1)
    weights.eliminate_zeros()
    weights.sort_indices()
    return weights.astype(np.float32)


def vectors_of(weights: sparse.csr_matrix, model: Embeddings) -> Vectors:
    """Sum the vectors of weighted items and scale the sums to the mean length of the trained users' vectors.

    The direction is what the user's items have in common; the length sets the influence of the vector against the
    items' biases, so it is that of a trained user.

    Args:
        weights: (rows, items) float32 CSR.
        model: the trained embeddings.

    Returns:
        (rows, dim) float32; zero where all items are unknown to the model.
    """
    return scaled_sums(weights, model.item_vectors, trained_length(model))


def trained_length(model: Embeddings) -> float:
    """Return the mean length of the trained users' vectors, 0 where there is none."""
    trained = np.linalg.norm(model.user_vectors[model.user_sources == TRAINED], axis=1)
    return float(trained.mean(dtype=np.float64)) if len(trained) else 0.0


def scaled_sums(weights: sparse.csr_matrix, item_vectors: Vectors, length: float) -> Vectors:
    """Sum the vectors of weighted items and scale each sum that is not zero to a length; as `vectors_of`."""
    sums = weights @ item_vectors
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    vectors: Vectors = np.divide(sums * np.float32(length), lengths, out=np.zeros_like(sums), where=lengths > 0)
    return vectors


def fold_in(model: Embeddings, recency: sparse.csr_matrix, newest: int) -> Embeddings:
    """Return the model with every user who has entries in `recency` folded in, as if trained.

    Args:
        model: the trained embeddings.
        recency: (users, items) CSR as in `newest_weights`.
        newest: items that count at most.
    """
    vectors = vectors_of(newest_weights(recency, newest), model)
    is_folded = np.linalg.norm(vectors, axis=1) > 0
    return replace(
        model,
        user_vectors=np.where(is_folded[:, None], vectors, model.user_vectors),
        user_sources=np.where(is_folded, np.int8(TRAINED), model.user_sources),
    )
