"""The one ranker: the top-K lists of a block of users, by domain, as they are published.

By the model, then popular with their segment, then popular with all. Pure; the Spark job score_users, the evaluation
and requests of one user rank through `rank_block`. A user's list depends, to the last bit, on nobody else in the block.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS, History
from nightjar.contract.tables import EVERYONE
from nightjar.ranking.best_columns import LOWEST, best_columns
from nightjar.ranking.blend import Blend, BlendedScores
from nightjar.ranking.catalogue import Catalogue, Indices
from nightjar.ranking.marginal_relevance import POOL_FACTOR, diversified
from nightjar.ranking.top_k_lists import (
    COLD_USER,
    PERSONAL,
    POPULAR,
    SEGMENT_POPULAR,
    TopKLists,
    UserItemPairs,
    place_in_row,
)

_USERS_AT_ONCE, _SCORES_AT_ONCE = 1_024, 10_000_000


@dataclass(frozen=True)
class UserBlock:
    """Users to rank for, one a row.

    Attributes:
        numbers: (users,) int64, ascending or not, of each user in its run: where its products are computed.
        vectors: (users, dim) float32 by source of kind vectors.
        sources: (users,) int8, as `Embeddings.user_sources`.
        segments: (users,) text, None for a user without a segment.
        history: the users' own items.
        left_out: what may not be recommended.
    """

    numbers: Indices
    vectors: Mapping[str, Vectors]
    sources: NDArray[np.int8]
    segments: NDArray[np.object_]
    history: History
    left_out: UserItemPairs


def rank_block(users: UserBlock, items: Catalogue, k: int, diversity_weight: float = 0.0) -> list[TopKLists]:
    """Return the lists of the users, one for each domain of the catalogue.

    Args:
        users: of the block.
        items: the catalogue.
        k: recommendations per user and domain.
        diversity_weight: how much a list avoids items similar to those ranked above; 0: not at all.
    """
    pool = k if diversity_weight == 0 else POOL_FACTOR * k
    lists = [TopKLists.empty(len(users.sources), pool, len(items.blend.names)) for _ in items.domains]
    for source, scored in ((PERSONAL, TRAINED), (COLD_USER, FEATURES_ONLY)):
        for rows, places, scores in _model_scores(users, items.blend, scored):
            for group, is_in in _user_groups(users, rows, items, scored):
                total = scores.total(group)
                _leave_out(total, rows, places, users.left_out)
                for number, domain in enumerate(items.domains):
                    chosen = is_in[:, number]
                    if not chosen.any():
                        continue
                    best, values = _best_candidates(total, domain.candidates, pool, len(items.domains) == 1)
                    at = places[chosen]
                    best, values = best[at], values[at]
                    lists[number].put(rows[chosen], best, values, source, scores.contributions(at, best, values, group))
    if diversity_weight > 0:
        lists = [_re_ranked(each, items.units, k, diversity_weight) for each in lists]
    for domain, filled in zip(items.domains, lists, strict=True):
        for segment, rows in _rows_by_segment(users.segments, users.sources).items():
            if segment in domain.popular:
                filled.fill(rows, domain.popular[segment], users.left_out, SEGMENT_POPULAR)
        filled.fill(np.arange(len(users.sources)), domain.popular[EVERYONE], users.left_out, POPULAR)
    return lists


def _user_groups(
    users: UserBlock, rows: Indices, items: Catalogue, scored: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each of `USERS` among some rows, all of this source, with whether a row is in it: (rows, domains)."""
    shape = len(rows), len(items.domains)
    if scored != TRAINED:
        yield WITHOUT_ITEMS, np.ones(shape, np.bool_)
    elif not items.blend.differs_for_new:
        yield IN_DOMAIN, np.ones(shape, np.bool_)
    else:
        own = users.history.weights[rows].tocoo()
        is_new = np.ones((shape[0], shape[1] + 1), np.bool_)
        # The position -1 of an item of no listed domain is the last column, which goes.
        is_new[own.row, items.item_domains[own.col]] = False
        for group, is_in in ((IN_DOMAIN, ~is_new[:, :-1]), (NEW_TO_DOMAIN, is_new[:, :-1])):
            if is_in.any():
                yield group, is_in


def _best_candidates(scores: Vectors, candidates: Indices, k: int, may_overwrite: bool) -> tuple[Indices, Vectors]:
    """Return the k best candidates of each row and their scores, as `best_columns` does columns."""
    if may_overwrite and 2 * len(candidates) > scores.shape[1]:
        # Marking the others takes less than copying the candidates' columns.
        is_other = np.ones(scores.shape[1], np.bool_)
        is_other[candidates] = False
        scores[:, is_other] = LOWEST
        return best_columns(scores, k)
    columns, values = best_columns(scores[:, candidates], k)
    return np.where(columns >= 0, np.append(candidates, -1)[columns], -1), values


def _model_scores(users: UserBlock, blend: Blend, scored: int) -> Iterator[tuple[Indices, Indices, BlendedScores]]:
    """Yield rows of the block that have this source, their places in a product, and the scores of its places.

    The last bits of a product depend on its shape, and on the place in it, but on no other place. So all have one
    shape, a user is always at the same place of it, and places that nobody takes are zero.
    """
    rows, size = np.flatnonzero(users.sources == scored), blend.rows_at_once
    places = users.numbers[rows] % size
    by_place = np.argsort(places, kind="stable")
    product = np.empty(len(rows), np.int64)
    product[by_place] = place_in_row(places[by_place])
    for number in range(int(product.max(initial=-1)) + 1):
        is_in = product == number
        chunk, at = rows[is_in], places[is_in]
        vectors = {name: _at(of_users[chunk], at, size) for name, of_users in users.vectors.items()}
        if scored == TRAINED:
            yield chunk, at, blend.scores(vectors, _history_at(users.history.of(chunk), at, size))
        else:
            yield chunk, at, blend.scores_of_cold(vectors)


def _at(vectors: Vectors, places: Indices, size: int) -> Vectors:
    placed = np.zeros((size, vectors.shape[1]), np.float32)
    placed[places] = vectors
    return placed


def _history_at(history: History, places: Indices, size: int) -> History:
    return History(_rows_at(history.weights, places, size), _rows_at(history.newest_ranks, places, size))


def _rows_at(rows: sparse.csr_matrix, places: Indices, size: int) -> sparse.csr_matrix:
    ordered = rows[np.argsort(places)]
    starts = np.zeros(size + 1, np.int64)
    starts[places + 1] = np.diff(rows.indptr)
    return sparse.csr_matrix((ordered.data, ordered.indices, np.cumsum(starts)), shape=(size, rows.shape[1]))


def _leave_out(scores: Vectors, rows: Indices, places: Indices, left_out: UserItemPairs) -> None:
    if len(left_out.rows) == 0:
        return
    among = np.full(max(int(rows.max()), int(left_out.rows.max())) + 1, -1)
    among[rows] = places
    at = among[left_out.rows]
    scores[at[at >= 0], left_out.items[at >= 0]] = LOWEST


def _re_ranked(pool: TopKLists, units: Vectors, k: int, diversity_weight: float) -> TopKLists:
    places, values = diversified(pool.items, pool.scores, units, k, diversity_weight)
    return pool.taken(places, values)


def _rows_by_segment(segments: NDArray[np.object_], sources: NDArray[np.int8]) -> dict[str, Indices]:
    """Return the rows of the users unknown to the model by their segment."""
    unknown = np.flatnonzero(sources == UNKNOWN)
    by_segment: dict[str, list[int]] = {}
    for row in unknown.tolist():
        if segments[row] is not None:
            by_segment.setdefault(segments[row], []).append(row)
    return {segment: np.array(rows, np.int64) for segment, rows in by_segment.items()}


@dataclass(frozen=True)
class Ranker:
    """Ranks for the users of one run.

    Attributes:
        catalogue: its items and its model.
        history: the users' own items.
        segments: (users,) text, None for a user without a segment.
        diversity_weight: as of `rank_block`.
    """

    catalogue: Catalogue
    history: History
    segments: NDArray[np.object_]
    diversity_weight: float = 0.0

    def among(self, is_candidate: NDArray[np.bool_]) -> "Ranker":
        """Return the ranker where only some items compete: (items,)."""
        return replace(self, catalogue=self.catalogue.among(is_candidate))

    def without_model(self) -> "Ranker":
        """Return the ranker of the popularity lists alone, those of all users."""
        unknown = np.full(len(self.segments), UNKNOWN, np.int8)
        return replace(
            self,
            catalogue=replace(self.catalogue, user_sources=unknown),
            segments=np.full(len(self.segments), None, object),
        )

    def lists(self, users: Indices, left_out: sparse.csr_matrix, k: int) -> list[TopKLists]:
        """Return the lists of some users, one for each domain of the catalogue.

        Args:
            users: (rows,) indices.
            left_out: (users, items) CSR of what may not be recommended to each user.
            k: recommendations per user and domain.
        """
        # One thread, as in a Spark worker: more would change last bits.
        with threadpool_limits(1):
            blocks = [
                rank_block(block, self.catalogue, k, self.diversity_weight) for block in self._blocks(users, left_out)
            ]
        if not blocks:
            return [TopKLists.empty(0, k, len(self.catalogue.blend.names)) for _ in self.catalogue.domains]
        return [TopKLists.stacked(of_domain) for of_domain in zip(*blocks, strict=True)]

    def scores(self, users: Indices) -> Iterator[tuple[slice, Vectors]]:
        """Yield slices of some users with (slice, items) scores that order the items of a domain as their lists do.

        Those of a user unknown to the model are the scores of the popularity lists, those of their segment above all
        others. An item that a list can hold only after the model's has a score below all of these.
        """
        nothing = sparse.csr_matrix(self.history.weights.shape, dtype=np.float32)
        start, items = 0, len(self.catalogue.units)
        popular = cache(self._popular_scores)
        for block in self._blocks(users, nothing, max(1, min(_USERS_AT_ONCE, _SCORES_AT_ONCE // items))):
            scores = np.full((len(block.sources), items), LOWEST, np.float32)
            for scored in (TRAINED, FEATURES_ONLY):
                for rows, places, of_places in _model_scores(block, self.catalogue.blend, scored):
                    for group, is_in in _user_groups(block, rows, self.catalogue, scored):
                        # The lowest number itself marks an item that may not be recommended.
                        total = np.maximum(of_places.total(group)[places], LOWEST / 2)
                        if is_in.all():
                            scores[rows] = total
                            continue
                        # Items of no listed domain, at the last column, are in no list either.
                        is_of_group = np.column_stack([is_in, np.zeros(len(rows), np.bool_)])
                        scores[rows] = np.where(is_of_group[:, self.catalogue.item_domains], total, scores[rows])
            for row in np.flatnonzero(block.sources == UNKNOWN):
                scores[row] = popular(block.segments[row])
            yield slice(start, start + len(block.sources)), scores
            start += len(block.sources)

    def source_scores(self, users: Indices) -> Iterator[tuple[Indices, list[Vectors]]]:
        """Yield the standardised scores of the sources of warm items, the embeddings first.

        Args:
            users: (rows,) indices; those unknown to the model have no scores.

        Yields:
            Positions in `users`, and for each source (positions, items) float32.
        """
        nothing = sparse.csr_matrix(self.history.weights.shape, dtype=np.float32)
        start = 0
        for block in self._blocks(users, nothing):
            for scored in (TRAINED, FEATURES_ONLY):
                for rows, places, scores in _model_scores(block, self.catalogue.blend, scored):
                    yield start + rows, list(scores.of_sources(places))
            start += len(block.sources)

    def _popular_scores(self, segment: str | None) -> Vectors:
        scores = np.full(len(self.catalogue.units), LOWEST / 2, np.float32)
        for domain in self.catalogue.domains:
            everyone = domain.popular[EVERYONE]
            scores[everyone.items] = everyone.scores
            if segment is not None and segment in domain.popular:
                above = everyone.scores.max(initial=0) + 1
                scores[domain.popular[segment].items] = above + domain.popular[segment].scores
        return scores

    def _blocks(self, users: Indices, left_out: sparse.csr_matrix, size: int = _USERS_AT_ONCE) -> Iterator[UserBlock]:
        for start in range(0, len(users), size):
            rows = users[start : start + size]
            out = left_out[rows].tocoo()
            yield UserBlock(
                rows,
                {name: np.asarray(of_users[rows]) for name, of_users in self.catalogue.user_vectors.items()},
                np.asarray(self.catalogue.user_sources[rows]),
                self.segments[rows],
                self.history.of(rows),
                UserItemPairs(out.row.astype(np.int64), out.col.astype(np.int64)),
            )
