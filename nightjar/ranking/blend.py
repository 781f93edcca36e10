"""The blend that recommendations are ranked by: the weighted sum of what each source scores, standardised.

Pure; the one place of this rule. The Spark job score_users, the evaluation and requests of one user rank by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.artifacts.sources import (
    COLD,
    IN_DOMAIN,
    NEW_TO_DOMAIN,
    USERS,
    WARM,
    WITHOUT_ITEMS,
    Fitted,
    History,
    ItemScores,
    ItemWeights,
    Source,
    VectorSource,
)
from nightjar.ranking.history_product import history_product

# Score of an item that may not be recommended: below every other.
LOWEST = -np.finfo(np.float32).max
_ABOVE_LOWEST = np.nextafter(LOWEST, np.float32(0))
_MANY_ITEMS = 20_000
_STRIPE = 16
# A standard deviation below this is the rounding of equal scores.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Group:
    """Items over which mean and standard deviation of a user's scores are computed.

    Attributes:
        items: (n,) indices.
        is_member: (items,) the same as flags, float32.
        mean: (dim + 1,) mean of their embeddings, the bias as the last dimension; with it and the covariance, mean and
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
class Term:
    """The standardised scores of one source for some users.

    Attributes:
        values: (users, columns) float32, or (1, columns) where they are the same for all users.
        column_of: (items,) column of each item, -1: the source adds nothing; None: item and column are the same.
    """

    values: Vectors
    column_of: NDArray[np.int64] | None = None

    def of(self, rows: NDArray[np.int64], items: NDArray[np.int64]) -> Vectors:
        """Return the scores of some items of each row: (rows, n); 0 for item -1."""
        columns = np.maximum(items, 0) if self.column_of is None else self.column_of[items]
        rows = rows if len(self.values) > 1 else np.zeros_like(rows)
        if self.values.shape[1] == 0:
            return np.zeros(items.shape, np.float32)
        values: Vectors = self.values[rows[:, None], columns]
        return np.where((items >= 0) & (columns >= 0), values, np.float32(0))


@dataclass(frozen=True)
class BlendedScores:
    """Scores of some users.

    Attributes:
        blend: by which they are weighed.
        embeddings: (users, items) float32, those of the embeddings.
        terms: those of the other sources, in the order of `Blend.sources`; empty where the embeddings score alone.
    """

    blend: "Blend"
    embeddings: Vectors
    terms: tuple[Term, ...]

    def total(self, users: str = IN_DOMAIN) -> Vectors:
        """Return the weighted sum for one of `USERS`.

        Returns:
            (users, items) float32, `LOWEST` where the item is unknown to the model.
        """
        blend = self.blend
        total = self.embeddings * blend.embedding_weights[users] if self.terms else self.embeddings.copy()
        for source, term in zip(blend.sources, self.terms, strict=False):
            weight = np.float32(source.weight_for(users))
            if weight > 0 and source.items == COLD:
                total[:, blend.cold.items] += weight * term.values
            elif weight > 0:
                total += weight * term.values
        total[:, ~blend.is_known] = LOWEST
        return total

    def contributions(
        self, rows: NDArray[np.int64], items: NDArray[np.int64], values: Vectors, users: str = IN_DOMAIN
    ) -> Vectors:
        """Split the scores of some items by source: (rows, n, 1 + sources), the embeddings first; 0 for item -1.

        Args:
            rows: (rows,) of the scores.
            items: (rows, n) item indices.
            values: (rows, n) their scores.
            users: as of `total`.
        """
        added = [
            np.float32(source.weight_for(users)) * term.of(rows, items)
            for source, term in zip(self.blend.sources, self.terms, strict=False)
        ] or [np.zeros_like(values) for _ in self.blend.sources]
        embeddings = np.where(items >= 0, values, np.float32(0)) - sum(added, np.zeros_like(values))
        return np.stack([embeddings, *added], axis=2)


@dataclass(frozen=True)
class Blend:
    """Scores users by all sources.

    With e(i) = v @ x(i) + bias(i), the score of the embeddings, and s(i), that of another source of weight w,

        score(i) = (1 - sum of w) * (e(i) - mean e) / sd e  +  sum over sources of w * (s(i) - mean s) / sd s

    with mean and standard deviation of each user over the items that have interactions. A cold item that a source of
    cold items scores has weights of its own; that source's s is standardised among such items alone, then brought to
    mean and standard deviation of their first term, t:

        score(i) = (1 - w) * t(i)  +  w * (mean t + sd t * (s(i) - mean s) / sd s)

    What such a source says is not comparable with the scores of other items: against those cold items rank by their
    embeddings, among each other by both. An item that a source does not score gets 0 from it, the mean, so that it
    competes by its embedding alone. So does every item for a user whose s does not vary.

    Weights differ for users new to a domain and for cold users, who are scored by e alone, not standardised, where no
    other source weighs anything for them.

    Attributes:
        vectors: (items, dim + 1) float32, the items' biases as the last dimension.
        is_known: (items,) whether the item is known to the model.
        embedding_weights: (items,) float32 for each of `USERS`, weight of the embeddings' score of each item.
        sources: the others, each fitted part cut to the items that it scores.
        trained: the items with interactions.
        cold: cold items that a source of cold items scores.
    """

    vectors: Vectors
    is_known: NDArray[np.bool_]
    embedding_weights: Mapping[str, Vectors]
    sources: tuple[Source, ...]
    trained: Group
    cold: Group

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all sources, the embeddings first."""
        return LIGHTFM, *(each.name for each in self.sources)

    @property
    def rows_at_once(self) -> int:
        """Number of users that are scored in one product: a block of their scores should stay in a core's cache."""
        return 48 if len(self.vectors) <= _MANY_ITEMS else 24

    @cached_property
    def differs_for_new(self) -> bool:
        """Whether users new to a domain have weights of their own."""
        return any(each.weight_for(NEW_TO_DOMAIN) != each.weight for each in self.sources)

    @cached_property
    def blends_for_cold(self) -> bool:
        """Whether cold users are scored by more than the embeddings."""
        return any(each.weight_for(WITHOUT_ITEMS) > 0 for each in self.sources)

    def scores(self, vectors: Mapping[str, Vectors], history: History) -> BlendedScores:
        """Score all items for some users.

        Args:
            vectors: (users, dim) float32 by source of kind vectors.
            history: the users' own items.
        """
        queries = _with_ones(vectors[LIGHTFM]).astype(np.float64)
        queries *= _inverse_or_zero(self.trained.deviation(queries))[:, None]
        scores = queries.astype(np.float32) @ self.vectors.T
        scores -= (queries @ self.trained.mean).astype(np.float32)[:, None]
        terms = tuple(self._term(source, vectors, history, queries) for source in self.sources)
        return BlendedScores(self, scores, terms)

    def scores_of_cold(self, vectors: Mapping[str, Vectors]) -> BlendedScores:
        """Score all items for users without items: by their features and what is the same for all."""
        users = len(vectors[LIGHTFM])
        if self.blends_for_cold:
            return self.scores(vectors, History.unordered(sparse.csr_matrix((users, len(self.vectors)), dtype="f4")))
        return BlendedScores(self, _with_ones(vectors[LIGHTFM]) @ self.vectors.T, ())

    def columns_of(self, source: Source, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the column of each item in what a source of `sources` scores, -1 where it scores it not."""
        if source.items == WARM:
            return items
        return np.where(items >= 0, self._cold_columns[items], -1)

    @cached_property
    def _cold_columns(self) -> NDArray[np.int64]:
        columns = np.full(len(self.vectors), -1)
        columns[self.cold.items] = np.arange(len(self.cold.items))
        return columns

    def _term(
        self,
        source: Source,
        vectors: Mapping[str, Vectors],
        history: History,
        queries: NDArray[np.float64],
    ) -> Term:
        is_cold = source.items == COLD
        is_member = np.ones(len(self.cold.items), np.float32) if is_cold else self.trained.is_member
        scores, has_signal = _scores_of(source.fitted, vectors.get(source.name), history, is_member)
        _standardise(scores, is_member, has_signal)
        if not is_cold:
            scores *= self.trained.is_member
            return Term(scores)
        scores = scores * self.cold.deviation(queries).astype(np.float32)[:, None]
        scores += (queries @ (self.cold.mean - self.trained.mean)).astype(np.float32)[:, None]
        return Term(scores, self._cold_columns)


def blend_of(model: ModelSources) -> Blend:
    """Prepare the blend for the items of one model."""
    embeddings = model.embeddings
    vectors = np.column_stack([embeddings.item_vectors, embeddings.item_biases])
    is_trained = embeddings.item_sources == TRAINED
    others = model.of_weight()
    is_cold = _is_scored_cold(others, embeddings.item_sources)
    cold_items = np.flatnonzero(is_cold)
    weights = {
        users: np.where(is_cold, *(model.embedding_weight(items, users) for items in (COLD, WARM))).astype(np.float32)
        for users in USERS
    }
    # A source whose items are none adds nothing.
    kept = (each for each in others if each.items == WARM or len(cold_items))
    return Blend(
        vectors,
        embeddings.item_sources != UNKNOWN,
        weights,
        tuple(replace(each, fitted=_cut(each.fitted, cold_items)) if each.items == COLD else each for each in kept),
        _group(is_trained, vectors),
        _group(is_cold, vectors),
    )


def _is_scored_cold(sources: Sequence[Source], item_sources: NDArray[np.int8]) -> NDArray[np.bool_]:
    is_scored = np.zeros(len(item_sources), np.bool_)
    for each in sources:
        if each.items == COLD:
            is_scored |= _has_score(each.fitted)
    is_scored &= item_sources == FEATURES_ONLY
    return is_scored


def _has_score(fitted: Fitted) -> NDArray[np.bool_]:
    """Return for each item whether a source scores it: (items,)."""
    match fitted:
        case ItemWeights():
            columns = np.bincount(fitted.weights.indices, minlength=fitted.weights.shape[1])
            return np.asarray(columns > 0)
        case ItemScores():
            return np.isfinite(fitted.scores)
        case VectorSource():
            return np.asarray(fitted.item_vectors.any(axis=1), np.bool_)


def _cut(fitted: Fitted, items: NDArray[np.int64]) -> Fitted:
    """Return what scores some items only, one column for each."""
    match fitted:
        case ItemWeights():
            average = None if fitted.average is None else fitted.average[items]
            return replace(fitted, weights=fitted.weights[:, items].tocsr(), average=average)
        case ItemScores():
            return ItemScores(fitted.scores[items])
        case VectorSource():
            return replace(fitted, item_vectors=fitted.item_vectors[items], item_biases=fitted.item_biases[items])


def _scores_of(
    fitted: Fitted, vectors: Vectors | None, history: History, is_member: Vectors
) -> tuple[Vectors, NDArray[np.bool_] | None]:
    """Return the scores of one source, not standardised, and which rows have a signal; None: all."""
    match fitted:
        case ItemWeights():
            weighed = fitted.history.weighed(history)
            scores = history_product(weighed, fitted.weights)
            if fitted.average is None:
                return scores, None
            has_signal = np.asarray((scores != 0) @ is_member > 0)
            scores -= np.asarray(weighed.sum(axis=1), np.float32) * fitted.average
            # A user whose history has no weight for any of the items gets 0, not the negative average.
            return scores, has_signal
        case ItemScores():
            return fitted.scores[None, :].copy(), None
        case VectorSource():
            if vectors is None:
                return np.zeros((1, len(fitted.item_biases)), np.float32), None
            return vectors @ fitted.item_vectors.T + fitted.item_biases, np.asarray(vectors.any(axis=1))


def _group(is_member: NDArray[np.bool_], vectors: Vectors) -> Group:
    items = np.flatnonzero(is_member)
    of_members = vectors[items].astype(np.float64)
    mean = of_members.sum(axis=0) / max(1, len(items))
    centred = of_members - mean
    # More threads would change last bits.
    with threadpool_limits(1):
        covariance = centred.T @ centred / max(1, len(items))
    return Group(items, is_member.astype(np.float32), mean, covariance)


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
    bound = np.full(rows, _ABOVE_LOWEST)
    groups = columns // _STRIPE
    if groups >= k:
        maxima = scores[:, : groups * _STRIPE].reshape(rows, _STRIPE, groups).max(axis=1)
        bound = np.maximum(bound, np.partition(maxima, groups - k, axis=1)[:, groups - k])
    # Several times as fast as the nonzero elements of a matrix.
    row, column = np.divmod(np.flatnonzero(scores >= bound[:, None]), max(1, columns))
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


def _with_ones(vectors: Vectors) -> Vectors:
    return np.column_stack([vectors, np.ones(len(vectors), np.float32)])


def _inverse_or_zero(deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse: NDArray[np.float64] = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > _ROUNDING)
    return inverse
