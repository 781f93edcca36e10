"""Groups of items over which a user's scores are standardised; used by the blend."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.artifacts.embeddings import Vectors

# A standard deviation below this is the rounding of equal scores.
_ROUNDING = 1e-9
# So is one below this part of the mean.
_RELATIVE_ROUNDING = 1e-6


@dataclass(frozen=True)
class Group:
    """Items over which mean and standard deviation of a user's scores by some vectors are computed.

    Attributes:
        items: (n,) indices.
        is_member: (items,) the same as flags, float32.
        mean: (dim + 1,) mean of their vectors, the bias as the last dimension; with it and the covariance, mean and
            standard deviation of a user's scores follow without the scores.
        covariance: (dim + 1, dim + 1).
    """

    items: NDArray[np.int64]
    is_member: Vectors
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def deviation(self, queries: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation of the scores of some users, whose vectors end with 1: (users,)."""
        deviation: NDArray[np.float64] = np.sqrt(np.maximum(((queries @ self.covariance) * queries).sum(axis=1), 0))
        return deviation


def group_of(is_member: NDArray[np.bool_], vectors: Vectors) -> Group:
    """Return the group of some items: (items,) flags and (items, dim + 1) vectors, the bias as the last dimension."""
    items = np.flatnonzero(is_member)
    of_members = vectors[items].astype(np.float64)
    mean = of_members.sum(axis=0) / max(1, len(items))
    centred = of_members - mean
    # More threads would change last bits.
    with threadpool_limits(1):
        covariance = centred.T @ centred / max(1, len(items))
    return Group(items, is_member.astype(np.float32), mean, covariance)


@dataclass(frozen=True)
class Queries:
    """What some users' vectors are multiplied with an item's vector by for its standardised score.

    Attributes:
        vectors: (users, dim + 1) float64, with the factor of the bias as the last dimension, in units of the standard
            deviation of the user's scores; 0 for a user whose scores do not vary.
        mean: (users,) float64 of the scores, in the same unit, to be subtracted.
    """

    vectors: NDArray[np.float64]
    mean: NDArray[np.float64]

    def of(self, users: NDArray[np.int64]) -> "Queries":
        """Return those of some of the users, one a row."""
        return Queries(self.vectors[users], self.mean[users])

    def scores(self, items: Vectors) -> Vectors:
        """Return the standardised scores of items: (items, dim + 1) vectors to (users, items) float32."""
        scores: Vectors = self.vectors.astype(np.float32) @ items.T
        scores -= self.mean.astype(np.float32)[:, None]
        return scores


def queries_of(vectors: Vectors, group: Group, has_signal: NDArray[np.bool_] | None = None) -> Queries:
    """Return the queries of users.

    Args:
        vectors: (users, dim).
        group: the items over which their scores are standardised.
        has_signal: (users,) the others score 0 everywhere; None: all have.
    """
    queries = with_ones(vectors).astype(np.float64)
    scale = inverse_or_zero(group.deviation(queries), np.zeros(len(queries)))
    queries *= (scale if has_signal is None else scale * has_signal)[:, None]
    return Queries(queries, queries @ group.mean)


def with_ones(vectors: Vectors) -> Vectors:
    """Return (n, dim + 1) vectors that end with 1, the factor of the bias."""
    return np.column_stack([vectors, np.ones(len(vectors), np.float32)])


def inverse_or_zero(deviation: NDArray[Any], mean: NDArray[Any]) -> NDArray[Any]:
    """Return 1 / deviation, 0 where it is the rounding of equal scores of this mean; all of one shape."""
    varies = deviation > np.maximum(_RELATIVE_ROUNDING * np.abs(mean), _ROUNDING)
    inverse: NDArray[Any] = np.divide(1, deviation, out=np.zeros_like(deviation), where=varies)
    return inverse
