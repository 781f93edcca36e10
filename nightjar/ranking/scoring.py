"""Scores and top-K lists of many users at once, by a blocked matrix product.

Pure; used by the evaluation and by the measurement of the indices. A model and the popularity baseline have the same
form, `users @ items.T`, so that one code ranks both; a blended model computes its own scores instead.
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
from nightjar.ranking.diversity import Diversity, diversity_of
from nightjar.ranking.marginal_relevance import POOL_FACTOR

_BLOCK_CELLS = 1_000_000
# Scores closer than the resolution of float32, relative to the largest that a user can reach, are equal.
_TIE_SPAN = 1e-7


@dataclass(frozen=True)
class Ranking:
    """Anything that ranks items for users: `score(u, i) = users[u] @ items[i]`.

    Attributes:
        users: (users, dim) float32.
        items: (items, dim) float32.
        diversity: how the best items are re-ranked; None: they are not.
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
    """A ranking by the blend with co-occurrence for users with trained vectors, and by `Ranking` for the others.

    Attributes:
        blend: how these users are scored.
        vectors: (users, dim) float32, user vectors of the model.
        is_blended: (users,) whether a user has a trained vector.
        history: (users, items) float32 CSR, weight of each user's own items.
    """

    blend: Blend
    vectors: Vectors
    is_blended: NDArray[np.bool_]
    history: sparse.csr_matrix

    def scores(self, rows: NDArray[np.int64]) -> Vectors:
        """Score all items for some users: (rows, items); items unknown to the model come last."""
        scores = super().scores(rows)
        blended = np.flatnonzero(self.is_blended[rows])
        users = rows[blended]
        # The lowest number itself marks an item that may not be recommended.
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

    Two more dimensions hold the model's item bias and the popularity score; each user has a weight in one of them.

    Args:
        embeddings: the model.
        popularity: what unknown users get.
        item_weights: for the users with trained vectors; None: the embeddings alone.
        history: (users, items) float32 CSR, weight of each user's own items; needed for item weights only.
        diversity_weight: how much a list avoids items similar to those ranked above; 0: not at all.
    """
    is_known = (embeddings.user_sources != UNKNOWN).astype(np.float32)[:, None]
    biases = np.where(embeddings.item_sources != UNKNOWN, embeddings.item_biases, _below_all_scores(embeddings))[
        :, None
    ]
    users = np.hstack([embeddings.user_vectors * is_known, is_known, 1 - is_known])
    items = np.hstack([embeddings.item_vectors, biases, popularity.items])
    diversity = diversity_of(embeddings, diversity_weight)
    if item_weights is None or history is None:
        return Ranking(users, items, diversity=diversity)
    blend = blend_of(item_weights, embeddings.item_vectors, embeddings.item_biases, embeddings.item_sources)
    is_blended = embeddings.user_sources == TRAINED
    return BlendedRanking(users, items, blend, embeddings.user_vectors, is_blended, history, diversity=diversity)


def score_blocks(ranking: Ranking, rows: NDArray[np.int64]) -> Iterator[tuple[slice, Vectors]]:
    """Yield slices of `rows` with their (slice, items) scores, for as many users at once as fit in 4 MB."""
    size = max(1, _BLOCK_CELLS // max(1, len(ranking.items)))
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        yield block, ranking.scores(rows[block])


def best_items(
    ranking: Ranking,
    rows: NDArray[np.int64],
    is_candidate: NDArray[np.bool_],
    left_out: sparse.csr_matrix,
    k: int,
    threads: int = 1,
) -> NDArray[np.int64]:
    """Return each user's k best candidate items, best first, ties by item index.

    Args:
        ranking: what to rank by.
        rows: (rows,) the users.
        is_candidate: (items,) items that may be recommended.
        left_out: (users, items) CSR, the items that are not recommended to each user.
        k: items recommended to a user.
        threads: threads of the selection; they do not change the result.

    Returns:
        (rows, k) item indices; -1 where there are fewer than k.
    """
    if ranking.diversity is None:
        return _best_by_score(ranking, rows, is_candidate, left_out, k, threads)
    pool = _best_by_score(ranking, rows, is_candidate, left_out, POOL_FACTOR * k, threads)
    return ranking.diversity.re_ranked(rows, pool, _scores_of(ranking, rows, pool), k)


def _best_by_score(
    ranking: Ranking,
    rows: NDArray[np.int64],
    is_candidate: NDArray[np.bool_],
    left_out: sparse.csr_matrix,
    k: int,
    threads: int,
) -> NDArray[np.int64]:
    best = np.full((len(rows), k), -1, dtype=np.int64)
    if len(rows) == 0 or not is_candidate.any():
        return best
    if isinstance(ranking, BlendedRanking):
        for block, scores in score_blocks(ranking, rows):
            scores[:, ~is_candidate] = LOWEST
            scores[left_out[rows[block]].nonzero()] = LOWEST
            best[block], _ = best_columns(scores, k)
        return best
    items, users = _ties_broken(ranking, rows)
    columns, scores = topk(
        items,
        users,
        min(k, len(items)),
        filter_query_items=left_out[rows],
        filter_items=np.flatnonzero(~is_candidate).astype(np.int32),
        num_threads=threads,
    )
    best[:, : columns.shape[1]] = np.where(scores <= np.finfo(scores.dtype).min, -1, columns)
    return best


def _scores_of(ranking: Ranking, rows: NDArray[np.int64], items: NDArray[np.int64]) -> Vectors:
    scores = np.empty(items.shape, np.float32)
    for block, of_all in score_blocks(ranking, rows):
        scores[block] = np.take_along_axis(of_all, np.maximum(items[block], 0), axis=1)
    return scores


def _ties_broken(ranking: Ranking, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # The C++ selection keeps an arbitrary one of two equals. One more dimension, in double precision, subtracts from
    # each score a fraction of its item's index, smaller in sum than the difference of two scores.
    items, users = ranking.items.astype(np.float64), ranking.users[rows].astype(np.float64)
    reach = np.abs(users) @ np.abs(items).max(axis=0)
    spans = _TIE_SPAN * np.where(reach > 0, reach, 1)
    places = np.arange(len(items)) / len(items)
    return np.hstack([items, -places[:, None]]), np.hstack([users, spans[:, None]])


def _below_all_scores(embeddings: Embeddings) -> np.float32:
    user_norm = np.linalg.norm(embeddings.user_vectors, axis=1).max(initial=0.0)
    item_norm = np.linalg.norm(embeddings.item_vectors, axis=1).max(initial=0.0)
    return np.float32(-1 - user_norm * item_norm - np.abs(embeddings.item_biases).max(initial=0.0))


def nearest(ranking: Ranking, k: int, left_out: sparse.csr_matrix | None = None) -> NDArray[np.int64]:
    """Return the k best of all items for every row of the ranking, exactly: (rows, k), -1 where items run out."""
    rows, items = len(ranking.users), len(ranking.items)
    if left_out is None:
        left_out = sparse.csr_matrix((rows, items), dtype=np.float32)
    return best_items(ranking, np.arange(rows), np.ones(items, dtype=np.bool_), left_out, k)
