"""Scores and best lists of many users at once, as one blocked matrix product.

Pure; used by the evaluation and by the measurement of the indices. A model and the popularity baseline take the same
form, `users @ items.T`, so that both pass through the same code; a blended model gives its own scores instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from implicit.cpu.topk import topk
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import TRAINED, UNKNOWN, Embeddings, Vectors
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.ranking.blend import LOWEST, Blend, best_columns, blend_of
from nightjar.ranking.diverse_top_k import Diversity, diversity_of
from nightjar.ranking.diversity import POOL_FACTOR

_BLOCK_CELLS = 1_000_000
# Scores nearer than float32 can tell, relative to the largest that a user can reach, are equal.
_TIE_SPAN = 1e-7


@dataclass(frozen=True)
class Ranking:
    """Anything that ranks items for users: `score(u, i) = users[u] @ items[i]`.

    Attributes:
        users: (users, dim) float32.
        items: (items, dim) float32.
        diversity: how the best items are re-ranked, if at all.
    """

    users: Vectors
    items: Vectors
    diversity: Diversity | None = field(default=None, kw_only=True)

    def scores(self, rows: NDArray[np.int64]) -> Vectors:
        """Score all items for some users: (rows, items)."""
        scores: Vectors = self.users[rows] @ self.items.T
        return scores


@dataclass(frozen=True)
class BlendedRanking(Ranking):
    """A ranking whose users with trained vectors rank by the blend with co-occurrence; for the others it is `Ranking`.

    Attributes:
        blend: the rule.
        vectors: (users, dim) float32, the model's own.
        is_blended: (users,) whom the rule is for.
        history: (users, items) float32 CSR, weight of each user's own items.
    """

    blend: Blend
    vectors: Vectors
    is_blended: NDArray[np.bool_]
    history: sparse.csr_matrix

    def scores(self, rows: NDArray[np.int64]) -> Vectors:
        """Score all items for some users: (rows, items); items that the model does not know come last."""
        scores = super().scores(rows)
        blended = np.flatnonzero(self.is_blended[rows])
        users = rows[blended]
        # The lowest number itself means that no list may hold the item.
        scores[blended] = np.maximum(self.blend.scores(self.vectors[users], self.history[users]), LOWEST / 2)
        return scores


def popularity_ranking(train_users: NDArray[np.int64], user_count: int) -> Ranking:
    """Rank the items by their number of training users, the same for every user (exact in float32 up to 16 million).

    Args:
        train_users: (items,) training users of each item.
        user_count: users to rank for.
    """
    return Ranking(np.ones((user_count, 1), dtype=np.float32), train_users.astype(np.float32)[:, None])


def published_ranking(
    embeddings: Embeddings,
    popularity: Ranking,
    item_weights: ItemWeights | None = None,
    history: sparse.csr_matrix | None = None,
    diversity_weight: float = 0.0,
) -> Ranking:
    """Rank as a publication does: by the model, unknown items last; unknown users get the popularity ranking.

    Two more dimensions say which: the model's item bias and the popularity score, of which each user takes one.

    Args:
        embeddings: the model.
        popularity: what unknown users get.
        item_weights: what co-occurrence adds for users with trained vectors; None: the embeddings alone.
        history: (users, items) float32 CSR, weight of each user's own items; only the item weights ask for it.
        diversity_weight: how much a list avoids items like those above them, 0 not at all.
    """
    known = (embeddings.user_sources != UNKNOWN).astype(np.float32)[:, None]
    biases = np.where(embeddings.item_sources != UNKNOWN, embeddings.item_biases, _below_all(embeddings))[:, None]
    users = np.hstack([embeddings.user_vectors * known, known, 1 - known])
    items = np.hstack([embeddings.item_vectors, biases, popularity.items])
    diversity = diversity_of(embeddings, diversity_weight)
    if item_weights is None or history is None:
        return Ranking(users, items, diversity=diversity)
    blend = blend_of(item_weights, embeddings.item_vectors, embeddings.item_biases, embeddings.item_sources)
    is_blended = embeddings.user_sources == TRAINED
    return BlendedRanking(users, items, blend, embeddings.user_vectors, is_blended, history, diversity=diversity)


def score_blocks(ranking: Ranking, rows: NDArray[np.int64]) -> Iterator[tuple[slice, Vectors]]:
    """Yield slices of `rows` with their (slice, items) scores, as many users at once as fit 4 MB."""
    size = max(1, _BLOCK_CELLS // max(1, len(ranking.items)))
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        yield block, ranking.scores(rows[block])


def best_items(
    ranking: Ranking,
    rows: NDArray[np.int64],
    is_candidate: NDArray[np.bool_],
    seen: sparse.csr_matrix,
    k: int,
    threads: int = 1,
) -> NDArray[np.int64]:
    """List each user's k best candidate items, best first, ties by item index.

    Args:
        ranking: what to rank by.
        rows: (rows,) the users asked for.
        is_candidate: (items,) items that may be listed.
        seen: (users, items) CSR; a user's own entries are left out.
        k: length of the lists.
        threads: threads of the selection; they do not change the result.

    Returns:
        (rows, k) item indices; -1 where a list ends early.
    """
    if ranking.diversity is None:
        return _best_by_score(ranking, rows, is_candidate, seen, k, threads)
    pool = _best_by_score(ranking, rows, is_candidate, seen, POOL_FACTOR * k, threads)
    return ranking.diversity.lists(rows, pool, _scores_of(ranking, rows, pool), k)


def _best_by_score(
    ranking: Ranking,
    rows: NDArray[np.int64],
    is_candidate: NDArray[np.bool_],
    seen: sparse.csr_matrix,
    k: int,
    threads: int,
) -> NDArray[np.int64]:
    lists = np.full((len(rows), k), -1, dtype=np.int64)
    if len(rows) == 0 or not is_candidate.any():
        return lists
    if isinstance(ranking, BlendedRanking):
        for block, scores in score_blocks(ranking, rows):
            scores[:, ~is_candidate] = LOWEST
            scores[seen[rows[block]].nonzero()] = LOWEST
            lists[block], _ = best_columns(scores, k)
        return lists
    items, users = _ties_broken(ranking, rows)
    found, scores = topk(
        items,
        users,
        min(k, len(items)),
        filter_query_items=seen[rows],
        filter_items=np.flatnonzero(~is_candidate).astype(np.int32),
        num_threads=threads,
    )
    lists[:, : found.shape[1]] = np.where(scores <= np.finfo(scores.dtype).min, -1, found)
    return lists


def _scores_of(ranking: Ranking, rows: NDArray[np.int64], lists: NDArray[np.int64]) -> Vectors:
    scores = np.empty(lists.shape, np.float32)
    for block, of_all in score_blocks(ranking, rows):
        scores[block] = np.take_along_axis(of_all, np.maximum(lists[block], 0), axis=1)
    return scores


def _ties_broken(ranking: Ranking, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # The C++ selection keeps an arbitrary one of two equals. One more dimension, in double precision, takes from each
    # score a share of its item's index, less in sum than what makes two scores different.
    items, users = ranking.items.astype(np.float64), ranking.users[rows].astype(np.float64)
    reach = np.abs(users) @ np.abs(items).max(axis=0)
    spans = _TIE_SPAN * np.where(reach > 0, reach, 1)
    places = np.arange(len(items)) / len(items)
    return np.hstack([items, -places[:, None]]), np.hstack([users, spans[:, None]])


def _below_all(embeddings: Embeddings) -> np.float32:
    user_norm = np.linalg.norm(embeddings.user_vectors, axis=1).max(initial=0.0)
    item_norm = np.linalg.norm(embeddings.item_vectors, axis=1).max(initial=0.0)
    return np.float32(-1 - user_norm * item_norm - np.abs(embeddings.item_biases).max(initial=0.0))


def nearest(ranking: Ranking, k: int, seen: sparse.csr_matrix | None = None) -> NDArray[np.int64]:
    """List the k best of all items for every row of the ranking, exactly: (rows, k), -1 where items run out."""
    rows, items = len(ranking.users), len(ranking.items)
    left_out = sparse.csr_matrix((rows, items), dtype=np.float32) if seen is None else seen
    return best_items(ranking, np.arange(rows), np.ones(items, dtype=np.bool_), left_out, k)
