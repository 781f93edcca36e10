"""The blend that recommendations are ranked by: scores of the embeddings and of co-occurrence, each standardised.

Pure; the one place of this rule. The Spark job score_users and the evaluation rank by it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.artifacts.item_weights import ItemWeights, raised

# Score of an item that may not be recommended: below every other.
LOWEST = -np.finfo(np.float32).max
# A block of scores stays in a core's cache while it is added to, scaled and searched.
_BLOCK_CELLS = 1_000_000
_STRIPE = 16
# A standard deviation below this is the rounding of equal scores.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Group:
    """Items over which mean and standard deviation of a user's scores are computed.

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
        """Standard deviation of the embeddings' scores of some users, whose vectors end with 1: (users,)."""
        deviation: NDArray[np.float64] = np.sqrt(np.maximum(((queries @ self.covariance) * queries).sum(axis=1), 0))
        return deviation


@dataclass(frozen=True)
class Blend:
    """Scores users who have trained vectors.

    With e(i) = v @ x(i) + bias(i) and c(i) = the sum over the user's own items j of
    weight(j)^history_exponent * item_weight(j, i),

        score(i) = (1 - weight) * (e(i) - mean e) / sd e  +  weight * (c(i) - mean c) / sd c

    with the blend weight, and mean and standard deviation of each user over the items that have interactions. A cold
    item with item-item weights from its features has a blend weight of its own; its c is standardised among such items
    alone, then brought to mean and standard deviation of their first term, t:

        score(i) = (1 - weight) * t(i)  +  weight * (mean t + sd t * (c(i) - mean c) / sd c)

    The c of cold items is not comparable with that of other items: against those they rank by their embeddings, among
    each other by both. An item without item-item weights has a second term of 0, the mean, so that it competes by its
    embedding alone. So has every item for a user whose c does not vary.

    Attributes:
        embedding_blend_weights: (items,) float32, 1 - blend weight of each item.
        cooccurrence_blend_weights: (items,) float32, blend weight of each item; 0 where it has no item-item weights.
        history_exponent: as in `ItemWeights`.
        weights: (items, items) float32 CSR, as in `ItemWeights`.
        average: (items,) float32 or None, as in `ItemWeights`: subtracted from c(i), per weight of the history.
        vectors: (items, dim + 1) float32, the items' biases as the last dimension.
        is_known: (items,) whether the item is known to the model.
        trained: the items with interactions.
        cold: cold items with item-item weights.
    """

    embedding_blend_weights: Vectors
    cooccurrence_blend_weights: Vectors
    history_exponent: float
    weights: sparse.csr_matrix
    average: Vectors | None
    vectors: Vectors
    is_known: NDArray[np.bool_]
    trained: Group
    cold: Group

    @property
    def rows_at_once(self) -> int:
        """Number of users whose scores fit in 4 MB."""
        return max(1, _BLOCK_CELLS // max(1, len(self.vectors)))

    def scores(self, vectors: Vectors, history: sparse.csr_matrix) -> Vectors:
        """Score all items for some users: (users, items) float32, `LOWEST` where the item is unknown to the model.

        Args:
            vectors: (users, dim) float32.
            history: (users, items) float32 CSR, weight of each user's own items.
        """
        queries = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
        queries *= _inverse_or_zero(self.trained.deviation(queries))[:, None]
        scores = queries.astype(np.float32) @ self.vectors.T
        scores -= (queries @ self.trained.mean).astype(np.float32)[:, None]
        scores *= self.embedding_blend_weights
        scores += self.cooccurrence_blend_weights * self._cooccurrence(history, queries)
        scores[:, ~self.is_known] = LOWEST
        return scores

    def _cooccurrence(self, history: sparse.csr_matrix, queries: NDArray[np.float64]) -> Vectors:
        history = raised(history, self.history_exponent)
        products = history @ self.weights
        scores: Vectors = products.toarray()
        if self.average is not None:
            scores -= np.asarray(history.sum(axis=1), np.float32) * self.average
        # Cold items are few or none: their columns are copied, the others are scaled in place.
        of_cold = scores[:, self.cold.items]
        _standardise(scores, self.trained.is_member, self._has_signal(products, self.trained))
        if len(self.cold.items):
            _standardise(of_cold, np.ones(len(self.cold.items), np.float32), self._has_signal(products, self.cold))
            of_cold *= self.cold.deviation(queries).astype(np.float32)[:, None]
            of_cold += (queries @ (self.cold.mean - self.trained.mean)).astype(np.float32)[:, None]
            scores[:, self.cold.items] = of_cold
        return scores

    def _has_signal(self, products: sparse.csr_matrix, group: Group) -> NDArray[np.bool_] | None:
        """Whether each user's history has a weight for an item of the group; None: without `average` all are scaled."""
        # A user without such a weight gets a second term of 0, not the negative average.
        return None if self.average is None else products.astype(bool) @ group.is_member > 0


def blend_of(model: ItemWeights, vectors: Vectors, biases: Vectors, sources: NDArray[np.int8]) -> Blend:
    """Prepare the blend for the items of one model.

    Args:
        model: blend weights and item-item weights.
        vectors: (items, dim) float32.
        biases: (items,) float32.
        sources: (items,) int8, as in `Embeddings`.
    """
    all_items = np.column_stack([vectors, biases])
    is_trained = sources == TRAINED
    has_weights = np.bincount(model.weights.indices, minlength=len(sources)) > 0
    # With a blend weight of 0 they rank as without item-item weights, whether a model has them or not.
    is_cold = (sources == FEATURES_ONLY) & has_weights & (model.cold_blend_weight > 0)
    blend_weights = np.where(is_cold, model.cold_blend_weight, model.blend_weight).astype(np.float32)
    return Blend(
        1 - blend_weights,
        blend_weights * (is_trained | is_cold),
        model.history_exponent,
        model.weights,
        model.average,
        all_items,
        sources != UNKNOWN,
        _group(is_trained, all_items),
        _group(is_cold, all_items),
    )


def _group(is_member: NDArray[np.bool_], vectors: Vectors) -> Group:
    items = np.flatnonzero(is_member)
    of_members = vectors[items].astype(np.float64)
    mean = of_members.sum(axis=0) / max(1, len(items))
    centred = of_members - mean
    return Group(items, is_member.astype(np.float32), mean, centred.T @ centred / max(1, len(items)))


def best_columns(scores: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
    """Return the k best columns of each row above `LOWEST` and their scores, best first, equal scores by column.

    The k-th best of the maxima of disjoint groups of columns is a lower bound of the k-th best score, found in one
    pass.

    Args:
        scores: (rows, columns) float32.
        k: columns of a row.

    Returns:
        (rows, k) columns, -1 where a row has fewer, and (rows, k) scores, `LOWEST` there.
    """
    rows, columns = scores.shape
    best, values = np.full((rows, k), -1, np.int64), np.full((rows, k), LOWEST, np.float32)
    bound = np.full(rows, LOWEST, np.float32)
    groups = columns // _STRIPE
    if groups >= k:
        maxima = scores[:, : groups * _STRIPE].reshape(rows, _STRIPE, groups).max(axis=1)
        bound = np.partition(maxima, groups - k, axis=1)[:, groups - k]
    row, column = np.nonzero((scores >= bound[:, None]) & (scores > LOWEST))
    order = np.lexsort((column, -scores[row, column], row))
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    row, column, place = (each[place < k] for each in (row, column, place))
    best[row, place], values[row, place] = column, scores[row, column]
    return best, values


def _standardise(scores: Vectors, is_member: Vectors, has_signal: NDArray[np.bool_] | None) -> None:
    """Scale each row, in place, to mean 0 and standard deviation 1 over some columns; to 0 where it is constant there.

    Args:
        scores: (rows, columns) float32.
        is_member: (columns,) float32, 1 for the columns that count, else 0.
        has_signal: (rows,) the rows to scale, others become 0; None: all.
    """
    count = max(1, int(np.count_nonzero(is_member)))
    mean = scores @ is_member / count
    scores -= mean[:, None]
    deviation: Vectors = np.sqrt(np.square(scores) @ is_member / count)
    # Equal scores deviate by the rounding of their mean.
    varies = deviation > np.maximum(np.float32(1e-6) * np.abs(mean), np.float32(_ROUNDING))
    if has_signal is not None:
        varies &= has_signal
    scores *= np.divide(np.float32(1), deviation, out=np.zeros_like(deviation), where=varies)[:, None]


def _inverse_or_zero(deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse: NDArray[np.float64] = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > _ROUNDING)
    return inverse
