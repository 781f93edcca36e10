"""The blend that recommendations are ranked by: the weighted sum of what each source scores, standardised.

Pure; the one place of this rule. The Spark job score_users, the evaluation and requests of one user rank by it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import TRAINED, UNKNOWN, Vectors
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
from nightjar.ranking.best_columns import LOWEST
from nightjar.ranking.cold_terms import ColdTerm, cut, is_scored_cold, raw_scores, standardise
from nightjar.ranking.history_scores import HistoryScores
from nightjar.ranking.item_groups import Group, Queries, group_of, queries_of, with_ones

_MANY_ITEMS = 20_000
Kind = TypeVar("Kind", VectorSource, ItemWeights, ItemScores)


@dataclass(frozen=True)
class BlendedScores:
    """Scores of some users.

    Attributes:
        blend: by which they are weighed.
        queries: by name of the sources of vectors.
        history: of the sources of item weights; None: they add nothing.
        cold: of each source of cold items, by name.
        is_standardised: False where the embeddings score alone and as they are.
    """

    blend: "Blend"
    queries: Mapping[str, Queries]
    history: HistoryScores | None
    cold: Mapping[str, ColdTerm]
    is_standardised: bool = True

    def total(self, users: str = IN_DOMAIN) -> Vectors:
        """Return the weighted sum for one of `USERS`.

        All that is a product of a number of the user and one of the item is summed up in one product of matrices.

        Returns:
            (users, items) float32, `LOWEST` where the item is unknown to the model.
        """
        blend = self.blend
        if not self.is_standardised:
            total: Vectors = self.queries[LIGHTFM].vectors.astype(np.float32) @ blend.vectors.T
        else:
            total = self._of_users(users) @ blend.item_factors(users)
            if self.history is not None and blend.history_names:
                total += self.history.weighed(blend.history_weights(users) * self.history.scale)
        for source in blend.sources:
            if source.name in self.cold and source.weight_for(users) > 0:
                total[:, blend.cold.items] += np.float32(source.weight_for(users)) * self.cold[source.name].values
        if len(blend.unknown):
            total[:, blend.unknown] = LOWEST
        return total

    def _of_users(self, users: str) -> Vectors:
        """Return what the rows of `Blend.item_factors` are multiplied with: (users, factors) float32."""
        blend, embeddings = self.blend, self.queries[LIGHTFM]
        parts, subtracted = [embeddings.vectors, -embeddings.mean[:, None]], np.zeros(len(embeddings.mean))
        for name, weight in blend.vector_weights(users):
            parts.append(self.queries[name].vectors)
            subtracted += weight * self.queries[name].mean
        if self.history is not None:
            # One source after the other, as in `HistoryScores.weighed`.
            subtracted += sum((blend.history_weights(users) * self.history.scale * self.history.mean).T)
        parts += [-subtracted[:, None], np.ones((len(subtracted), 1))]
        return np.concatenate(parts, axis=1).astype(np.float32)

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
        added = [self._contribution(source, rows, items, users) for source in self.blend.sources]
        embeddings = np.where(items >= 0, values, np.float32(0)) - sum(added, np.zeros_like(values))
        return np.stack([embeddings, *added], axis=2)

    def _contribution(self, source: Source, rows: NDArray[np.int64], items: NDArray[np.int64], users: str) -> Vectors:
        weight = np.float32(source.weight_for(users))
        if weight == 0 or not self.is_standardised:
            return np.zeros(items.shape, np.float32)
        if source.items == COLD:
            return weight * self.cold[source.name].of(rows, items)
        at = np.maximum(items, 0)
        match source.fitted:
            case ItemWeights():
                scores = self._of_history(source, rows, at)
            case ItemScores():
                scores = self.blend.item_scores[source.name][at]
            case VectorSource():
                queries, vectors = self.queries[source.name], self.blend.source_vectors[source.name]
                products = np.matmul(vectors[at], queries.vectors[rows].astype(np.float32)[:, :, None])[:, :, 0]
                scores = products - queries.mean[rows].astype(np.float32)[:, None]
        return np.where(items >= 0, weight * scores * self.blend.trained.is_member[at], np.float32(0))

    def of_sources(self, rows: NDArray[np.int64]) -> Iterator[Vectors]:
        """Yield the standardised scores of some rows by the embeddings and each source of warm items: (rows, items)."""
        blend = self.blend
        yield self.queries[LIGHTFM].of(rows).scores(blend.vectors)
        for source in blend.sources:
            if source.items == COLD:
                continue
            match source.fitted:
                case ItemWeights():
                    yield self._of_history(source, rows) * blend.trained.is_member
                case ItemScores():
                    yield np.broadcast_to(blend.item_scores[source.name], (len(rows), len(blend.vectors)))
                case VectorSource():
                    scores = self.queries[source.name].of(rows).scores(blend.source_vectors[source.name])
                    yield scores * blend.trained.is_member

    def _of_history(self, source: Source, rows: NDArray[np.int64], items: NDArray[np.int64] | None = None) -> Vectors:
        if self.history is None:
            return np.zeros((len(rows), len(self.blend.vectors)) if items is None else items.shape, np.float32)
        return self.history.standardised(self.blend.history_names.index(source.name), rows, items)


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
        """Number of users that are scored in one product: fewer, and each waits longer for what goes on between."""
        return 96 if len(self.vectors) <= _MANY_ITEMS else 48

    @cached_property
    def differs_for_new(self) -> bool:
        """Whether users new to a domain have weights of their own."""
        return any(each.weight_for(NEW_TO_DOMAIN) != each.weight for each in self.sources)

    @cached_property
    def blends_for_cold(self) -> bool:
        """Whether cold users are scored by more than the embeddings."""
        return any(each.weight_for(WITHOUT_ITEMS) > 0 for each in self.sources)

    @cached_property
    def unknown(self) -> NDArray[np.int64]:
        """Indices of the items that are unknown to the model."""
        return np.flatnonzero(~self.is_known)

    @cached_property
    def history_names(self) -> tuple[str, ...]:
        """The names of the sources of warm items that score by item weights, in the order of their `HistoryScores`."""
        return tuple(each.name for each, _ in self._warm(ItemWeights))

    @cached_property
    def item_scores(self) -> Mapping[str, Vectors]:
        """(items,) standardised scores of each source of item scores."""
        found = {}
        for each, fitted in self._warm(ItemScores):
            scores = fitted.scores[None, :].copy()
            standardise(scores, self.trained.is_member, None)
            found[each.name] = scores[0] * self.trained.is_member
        return found

    @cached_property
    def source_vectors(self) -> Mapping[str, Vectors]:
        """(items, dim + 1) float32 of each other source of vectors, the bias as the last dimension."""
        return {each.name: _with_biases(fitted) for each, fitted in self._warm(VectorSource)}

    @cached_property
    def source_groups(self) -> Mapping[str, Group]:
        """The items with interactions by the vectors of each other source of vectors."""
        is_trained = self.trained.is_member > 0
        return {name: group_of(is_trained, vectors) for name, vectors in self.source_vectors.items()}

    def vector_weights(self, users: str) -> list[tuple[str, float]]:
        """Return name and weight of the sources of warm items that score by vectors and weigh more than 0."""
        weights = [(each.name, each.weight_for(users)) for each, _ in self._warm(VectorSource)]
        return [(name, weight) for name, weight in weights if weight > 0]

    def history_weights(self, users: str) -> Vectors:
        """Return the weights of `history_names`: (sources,) float32."""
        return np.array([each.weight_for(users) for each, _ in self._warm(ItemWeights)], np.float32)

    def item_factors(self, users: str) -> Vectors:
        """Return by what an item's score for one of `USERS` depends on the numbers of a user.

        Returns:
            (factors, items) float32: vectors and 1 times the weight of the embeddings, then the vectors of the other
            sources of vectors, whether the item has interactions, and the weighted sum of the item scores.
        """
        if users not in self._item_factors:
            weights, is_member = self.embedding_weights[users], self.trained.is_member
            by_vectors = [
                self.source_vectors[name] * (np.float32(weight) * is_member)[:, None]
                for name, weight in self.vector_weights(users)
            ]
            of_items = sum(
                (
                    np.float32(each.weight_for(users)) * self.item_scores[each.name]
                    for each, _ in self._warm(ItemScores)
                ),
                np.zeros_like(is_member),
            )
            parts = [self.vectors * weights[:, None], weights, *by_vectors, is_member, of_items]
            # A product with the transposed view would take 1.4 times as long.
            self._item_factors[users] = np.ascontiguousarray(np.column_stack(parts).astype(np.float32).T)
        return self._item_factors[users]

    def scores(self, vectors: Mapping[str, Vectors], history: History | None) -> BlendedScores:
        """Score all items for some users.

        Args:
            vectors: (users, dim) float32 by source of kind vectors.
            history: the users' own items; None: they have none.
        """
        users = len(vectors[LIGHTFM])
        queries = {LIGHTFM: queries_of(vectors[LIGHTFM], self.trained)}
        for name, group in self.source_groups.items():
            # Users without vectors, as a source does not know them.
            of_users = vectors.get(name, np.zeros((users, len(group.mean) - 1), np.float32))
            queries[name] = queries_of(of_users, group, np.asarray(of_users.any(axis=1)))
        by_history = None
        if history is not None:
            item_weights = [fitted for _, fitted in self._warm(ItemWeights)]
            by_history = HistoryScores.of(item_weights, history, self.trained.is_member)
        cold = {
            each.name: self._cold_term(each, vectors, history, queries[LIGHTFM])
            for each in self.sources
            if each.items == COLD
        }
        return BlendedScores(self, queries, by_history, cold)

    def scores_of_cold(self, vectors: Mapping[str, Vectors]) -> BlendedScores:
        """Score all items for users without items: by their features and what is the same for all."""
        if self.blends_for_cold:
            return self.scores(vectors, None)
        queries = Queries(with_ones(vectors[LIGHTFM]).astype(np.float64), np.zeros(len(vectors[LIGHTFM])))
        return BlendedScores(self, {LIGHTFM: queries}, None, {}, is_standardised=False)

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

    @cached_property
    def _item_factors(self) -> dict[str, Vectors]:
        return {}

    def _warm(self, kind: type[Kind]) -> list[tuple[Source, Kind]]:
        """Return the sources of warm items of one kind, each with what was fitted."""
        return [(each, each.fitted) for each in self.sources if each.items == WARM and isinstance(each.fitted, kind)]

    def _cold_term(
        self, source: Source, vectors: Mapping[str, Vectors], history: History | None, embeddings: Queries
    ) -> ColdTerm:
        if history is None:
            history = History.unordered(sparse.csr_matrix((len(embeddings.mean), len(self.vectors)), dtype=np.float32))
        is_member = np.ones(len(self.cold.items), np.float32)
        scores, has_signal = raw_scores(source.fitted, vectors.get(source.name), history)
        standardise(scores, is_member, has_signal)
        scores = scores * self.cold.deviation(embeddings.vectors).astype(np.float32)[:, None]
        scores += (embeddings.vectors @ (self.cold.mean - self.trained.mean)).astype(np.float32)[:, None]
        return ColdTerm(scores, self._cold_columns)


def blend_of(model: ModelSources) -> Blend:
    """Prepare the blend for the items of one model."""
    embeddings = model.embeddings
    vectors = np.column_stack([embeddings.item_vectors, embeddings.item_biases])
    is_trained = embeddings.item_sources == TRAINED
    others = model.of_weight()
    is_cold = is_scored_cold(others, embeddings.item_sources)
    cold_items = np.flatnonzero(is_cold)
    weights = {
        users: np.where(is_cold, *(model.embedding_weight(items, users) for items in (COLD, WARM))).astype(np.float32)
        for users in USERS
    }
    # A source whose items are none adds nothing.
    kept = [each for each in others if each.items == WARM or len(cold_items)]
    only_trained = _OnlyTrained(is_trained)
    return Blend(
        vectors,
        embeddings.item_sources != UNKNOWN,
        weights,
        tuple(
            replace(each, fitted=cut(each.fitted, cold_items) if each.items == COLD else only_trained.of(each.fitted))
            for each in kept
        ),
        group_of(is_trained, vectors),
        group_of(is_cold, vectors),
    )


class _OnlyTrained:
    """Takes weights for items without interactions away; sources of the same weights still share theirs."""

    def __init__(self, is_trained: NDArray[np.bool_]) -> None:
        self._is_trained = is_trained
        self._found: dict[int, sparse.csr_matrix] = {}

    def of(self, fitted: Fitted) -> Fitted:
        if not isinstance(fitted, ItemWeights):
            return fitted
        average = None if fitted.average is None else fitted.average * self._is_trained
        return replace(fitted, weights=self._weights(fitted.weights), average=average)

    def _weights(self, weights: sparse.csr_matrix) -> sparse.csr_matrix:
        if id(weights) not in self._found:
            kept = weights
            if not self._is_trained[weights.indices].all():
                kept = sparse.csr_matrix(weights @ sparse.diags(self._is_trained.astype(np.float32)))
                kept.eliminate_zeros()
                kept.sort_indices()
            self._found[id(weights)] = kept
        return self._found[id(weights)]


def _with_biases(fitted: VectorSource) -> Vectors:
    return np.column_stack([fitted.item_vectors, fitted.item_biases]).astype(np.float32)
