"""Turns "largest inner product plus bias" into "nearest neighbour", which an HNSW graph can search.

Pure; used by the stage build_indices and by whoever queries the retrieval index.
"""

import numpy as np

from warehouse.embeddings import Vectors


def complete_items(vectors: Vectors, biases: Vectors) -> Vectors:
    """Append the bias, then one dimension that brings every item to the same norm: (items, dim + 2).

    With equal norms the order by cosine and by L2 is the order by inner product (Bachrach et al. 2014, "Speeding up
    the Xbox recommender system using a Euclidean transformation").

    Args:
        vectors: (items, dim).
        biases: (items,).
    """
    with_bias = np.hstack([vectors, biases[:, None]]).astype(np.float64)
    squared_norms = (with_bias**2).sum(axis=1)
    missing = np.sqrt(np.maximum(squared_norms.max(initial=0.0) - squared_norms, 0.0))
    return np.hstack([with_bias, missing[:, None]]).astype(np.float32)


def complete_queries(user_vectors: Vectors) -> Vectors:
    """Append 1, which takes the bias, and 0, which leaves out the completion: (users, dim + 2)."""
    count = len(user_vectors)
    return np.hstack([user_vectors, np.ones((count, 1)), np.zeros((count, 1))]).astype(np.float32)
