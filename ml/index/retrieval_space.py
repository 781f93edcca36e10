"""Turns "inner product plus bias" into a bare inner product, by which the retrieval index is built and queried.

Pure; used by the stage build_indices and by whoever queries the retrieval index.
"""

import numpy as np

from nightjar.contract.artifacts.embeddings import Vectors


def append_biases(vectors: Vectors, biases: Vectors) -> Vectors:
    """Append to each item's vector its bias: (items, dim + 1).

    Args:
        vectors: (items, dim).
        biases: (items,).
    """
    return np.hstack([vectors, biases[:, None]]).astype(np.float32)


def append_ones(user_vectors: Vectors) -> Vectors:
    """Append 1 to each user's vector, as factor of the bias: (users, dim + 1)."""
    return np.hstack([user_vectors, np.ones((len(user_vectors), 1))]).astype(np.float32)
