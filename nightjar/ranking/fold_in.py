"""Fold-in: a user's vector from their newest items, without training.

Pure; used for requests of one user, and by the evaluation, for users held out of the training whose older items it
uses. docs/experiments/fold-in.md compares the weighted mean with alternatives.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import TRAINED, Vectors
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import History, Source, VectorSource


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


def folded_history(recency: sparse.csr_matrix, newest: int) -> History:
    """Return the history of users who are folded in: their newest items, weighed as by `newest_weights`."""
    counted = recency.tocsr().astype(np.float32)
    counted.data[counted.data > newest] = 0
    counted.eliminate_zeros()
    counted.sort_indices()
    return History(newest_weights(recency, newest), counted)


def trained_length(vectors: Vectors, is_trained: NDArray[np.bool_]) -> float:
    """Return the mean length of the trained users' vectors, 0 where there is none."""
    trained = np.linalg.norm(vectors[is_trained], axis=1)
    return float(trained.mean(dtype=np.float64)) if len(trained) else 0.0


def scaled_sums(weights: sparse.csr_matrix, item_vectors: Vectors, length: float) -> Vectors:
    """Sum the vectors of weighted items and scale each sum that is not zero to a length.

    The direction is what the user's items have in common; the length sets the influence of the vector against the
    items' biases, so it is that of a trained user.

    Args:
        weights: (rows, items) float32 CSR.
        item_vectors: (items, dim) float32.
        length: mean of the trained users.

    Returns:
        (rows, dim) float32; zero where all items are unknown to the model.
    """
    sums = weights @ item_vectors
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    vectors: Vectors = np.divide(sums * np.float32(length), lengths, out=np.zeros_like(sums), where=lengths > 0)
    return vectors


def folded_in(model: ModelSources, recency: sparse.csr_matrix, newest: int) -> ModelSources:
    """Return the model with every user who has entries in `recency` folded in, as if trained.

    Args:
        model: its sources of kind vectors get other vectors of these users.
        recency: (users, items) CSR as in `newest_weights`.
        newest: items that count at most.
    """
    weights, trained = newest_weights(recency, newest), model.embeddings
    is_trained = trained.user_sources == TRAINED

    def with_folded(user_vectors: Vectors, item_vectors: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
        vectors = scaled_sums(weights, item_vectors, trained_length(user_vectors, is_trained))
        is_folded = np.linalg.norm(vectors, axis=1) > 0
        return np.where(is_folded[:, None], vectors, user_vectors), is_folded

    def with_folded_source(source: Source) -> Source:
        if not isinstance(source.fitted, VectorSource):
            return source
        vectors, _ = with_folded(source.fitted.user_vectors, source.fitted.item_vectors)
        return replace(source, fitted=replace(source.fitted, user_vectors=vectors))

    vectors, is_folded = with_folded(trained.user_vectors, trained.item_vectors)
    sources = np.where(is_folded, np.int8(TRAINED), trained.user_sources)
    return ModelSources(
        replace(trained, user_vectors=vectors, user_sources=sources),
        tuple(with_folded_source(each) for each in model.others),
    )
