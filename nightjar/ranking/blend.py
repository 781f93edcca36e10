"""The rule by which published lists rank: scores of the embeddings and of co-occurrence, each in units of its spread.

Pure; the one place of the rule. The Spark scoring job ranks by it and the evaluation judges it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.artifacts.item_weights import ItemWeights, raised

# No list may hold it: below every score, above nothing.
LOWEST = -np.finfo(np.float32).max
# So that a block of scores stays in a core's cache while it is added to, scaled and searched.
_BLOCK_CELLS = 1_000_000
_STRIPE = 16
# Below this a spread is the rounding of equal scores.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Group:
    """Items over which mean and spread of a user's scores are taken.

    Attributes:
        items: (n,) indices.
        is_member: (items,) the same as flags, float32.
        mean: (dim + 1,) mean of their vectors, the bias as the last dimension; with it and their covariance, mean and
            spread of a user's scores follow without the scores.
        covariance: (dim + 1, dim + 1).
    """

    items: NDArray[np.int64]
    is_member: Vectors
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def spread(self, queries: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation of the embeddings' scores of some users, whose vectors end with 1: (users,)."""
        spread: NDArray[np.float64] = np.sqrt(np.maximum(((queries @ self.covariance) * queries).sum(axis=1), 0))
        return spread


@dataclass(frozen=True)
class Blend:
    """Scores users who have trained vectors.

    With e(i) = v @ x(i) + bias(i) and c(i) = the sum over the user's own items j of
    weight(j)^history_exponent * item_weight(j, i),

        score(i) = (1 - share) * (e(i) - mean e) / sd e  +  share * (c(i) - mean c) / sd c

    mean and standard deviation of each user over the items that have interactions. An item without any, to which its
    features gave weights, has a share of its own, and its c is counted among such items alone and put where the first
    term, t, has them:

        score(i) = (1 - share) * t(i)  +  share * (mean t + sd t * (c(i) - mean c) / sd c)

    Their c says nothing of how they compare with other items, so among those they stand where their embeddings put
    them, and among each other they are ranked by both. Without weights an item is unknown to c: its second term is 0,
    the mean, so that it competes by its embedding alone. So is that of every item for a user whose c does not vary.

    Attributes:
        embedding_shares: (items,) float32, 1 - share of each item.
        cooccurrence_shares: (items,) float32, share of each item; 0 where c does not know it.
        history_exponent: as in `ItemWeights`.
        weights: (items, items) float32 CSR, as in `ItemWeights`.
        average: (items,) float32 or None, as in `ItemWeights`: what c(i) is less by, per weight of the history.
        vectors: (items, dim + 1) float32, the items' biases as the last dimension.
        is_known: (items,) whether the model knows the item at all.
        trained: the items with interactions.
        cold: those without any that have weights.
    """

    embedding_shares: Vectors
    cooccurrence_shares: Vectors
    history_exponent: float
    weights: sparse.csr_matrix
    average: Vectors | None
    vectors: Vectors
    is_known: NDArray[np.bool_]
    trained: Group
    cold: Group

    @property
    def rows_at_once(self) -> int:
        """As many users as fit 4 MB of scores."""
        return max(1, _BLOCK_CELLS // max(1, len(self.vectors)))

    def scores(self, vectors: Vectors, history: sparse.csr_matrix) -> Vectors:
        """Score all items for some users: (users, items) float32, `LOWEST` where the model does not know the item.

        Args:
            vectors: (users, dim) float32.
            history: (users, items) float32 CSR, weight of each user's own items.
        """
        queries = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
        queries *= _inverse(self.trained.spread(queries))[:, None]
        scores = queries.astype(np.float32) @ self.vectors.T
        scores -= (queries @ self.trained.mean).astype(np.float32)[:, None]
        scores *= self.embedding_shares
        scores += self.cooccurrence_shares * self._cooccurrence(history, queries)
        scores[:, ~self.is_known] = LOWEST
        return scores

    def _cooccurrence(self, history: sparse.csr_matrix, queries: NDArray[np.float64]) -> Vectors:
        history = raised(history, self.history_exponent)
        found = history @ self.weights
        scores: Vectors = found.toarray()
        if self.average is not None:
            scores -= np.asarray(history.sum(axis=1), np.float32) * self.average
        # Cold items are few or none: their columns are copied, the others' scaled in place.
        of_cold = scores[:, self.cold.items]
        _standardise(scores, self.trained.is_member, self._says(found, self.trained))
        if len(self.cold.items):
            _standardise(of_cold, np.ones(len(self.cold.items), np.float32), self._says(found, self.cold))
            of_cold *= self.cold.spread(queries).astype(np.float32)[:, None]
            of_cold += (queries @ (self.cold.mean - self.trained.mean)).astype(np.float32)[:, None]
            scores[:, self.cold.items] = of_cold
        return scores

    def _says(self, found: sparse.csr_matrix, group: Group) -> NDArray[np.bool_] | None:
        """Whose history says something of a group; None where the others' c is 0 throughout and varies for no item."""
        # Whose history says nothing is not told what an average one would say.
        return None if self.average is None else found.astype(bool) @ group.is_member > 0


def blend_of(model: ItemWeights, vectors: Vectors, biases: Vectors, known: NDArray[np.int8]) -> Blend:
    """Prepare the rule for the items of one model.

    Args:
        model: shares and weights.
        vectors: (items, dim) float32.
        biases: (items,) float32.
        known: (items,) int8 codes.
    """
    all_items = np.column_stack([vectors, biases])
    is_trained = known == TRAINED
    has_weights = np.bincount(model.weights.indices, minlength=len(known)) > 0
    # Without a share they are as without weights, whether a model has them or not.
    is_cold = (known == FEATURES_ONLY) & has_weights & (model.cold_blend_weight > 0)
    shares = np.where(is_cold, model.cold_blend_weight, model.blend_weight).astype(np.float32)
    return Blend(
        1 - shares,
        shares * (is_trained | is_cold),
        model.history_exponent,
        model.weights,
        model.average,
        all_items,
        known != UNKNOWN,
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

    The k-th best of the maxima of disjoint groups of columns bounds the k-th best score from below and takes one pass
    of comparisons.

    Args:
        scores: (rows, columns) float32.
        k: places of a row.

    Returns:
        (rows, k) columns, -1 in empty places, and (rows, k) scores, `LOWEST` there.
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


def _standardise(scores: Vectors, is_member: Vectors, is_told: NDArray[np.bool_] | None) -> None:
    """Bring each row, in place, to mean 0 and standard deviation 1 over some columns; 0 where it does not vary there.

    Args:
        scores: (rows, columns) float32.
        is_member: (columns,) float32, 1 for the columns that count, else 0.
        is_told: (rows,) the rows that may vary; None: all.
    """
    count = max(1, int(np.count_nonzero(is_member)))
    mean = scores @ is_member / count
    scores -= mean[:, None]
    spread: Vectors = np.sqrt(np.square(scores) @ is_member / count)
    # What is left of equal scores is the rounding of their mean.
    varies = spread > np.maximum(np.float32(1e-6) * np.abs(mean), np.float32(_ROUNDING))
    if is_told is not None:
        varies &= is_told
    scores *= np.divide(np.float32(1), spread, out=np.zeros_like(spread), where=varies)[:, None]


def _inverse(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse: NDArray[np.float64] = np.divide(1, spread, out=np.zeros_like(spread), where=spread > _ROUNDING)
    return inverse
