"""Exact search by inner product, against which an index is measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.top_k import Excluded, top_k


@dataclass(frozen=True)
class ExactSearch:
    """Search by the product of a query and every vector.

    Attributes:
        queries: (queries, dim) float32.
        vectors: (items, dim) float32.
    """

    queries: Vectors
    vectors: Vectors

    def best(self, k: int, own: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the k best positions of each query, -1 where they run out; its own position does not count."""
        rows = np.arange(len(self.queries))
        itself = (rows, own) if own is not None else (rows[:0], rows[:0])
        positions, _ = top_k(
            np.arange(len(self.vectors)), self.vectors, self.queries, k, Excluded(*itself, len(self.queries))
        )
        return positions

    def scores(self, positions: NDArray[np.int64]) -> Vectors:
        """Score some positions of each query: (queries, n)."""
        scores: Vectors = np.einsum("qd,qkd->qk", self.queries, self.vectors[positions])
        return scores
