"""Re-ranks the best items of the evaluation for diversity, as score_users does those it publishes.

Pure; used by nightjar.ranking.scoring. The rule itself is in `nightjar.ranking.marginal_relevance`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import UNKNOWN, Embeddings, Vectors, unit_vectors
from nightjar.ranking.marginal_relevance import diversified

_ROWS_AT_ONCE = 1_024


@dataclass(frozen=True)
class Diversity:
    """How the best items of a model are re-ranked.

    Attributes:
        weight: 0 to 1, more than 0.
        units: (items, dim) float32 vectors of length 1, zero where the item is unknown to the model.
        user_is_known: (users,) users whom the model ranks for; popular items of the others keep their order.
        item_is_known: (items,) items that the model ranks; others only fill the ranks left.
    """

    weight: float
    units: Vectors
    user_is_known: NDArray[np.bool_]
    item_is_known: NDArray[np.bool_]

    def re_ranked(self, rows: NDArray[np.int64], pool: NDArray[np.int64], scores: Vectors, k: int) -> NDArray[np.int64]:
        """Return (rows, k) items of the users in `rows` from their (rows, n) pools and the scores of these."""
        best = pool[:, :k].copy()
        known = np.flatnonzero(self.user_is_known[rows])
        for start in range(0, len(known), _ROWS_AT_ONCE):
            block = known[start : start + _ROWS_AT_ONCE]
            best[block] = self._re_ranked_block(pool[block], scores[block], k)
        return best

    def _re_ranked_block(self, pool: NDArray[np.int64], scores: Vectors, k: int) -> NDArray[np.int64]:
        is_known = (pool >= 0) & self.item_is_known[pool]
        chosen, _ = diversified(np.where(is_known, pool, -1), scores, self.units, k, self.weight)
        # Unknown items rank below all others in the pool, and do so among the best.
        others = np.where(is_known, -1, pool)
        both = np.hstack([chosen, others])
        in_order = np.argsort(both < 0, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(both, in_order, axis=1)


def diversity_of(embeddings: Embeddings, weight: float) -> Diversity | None:
    """Return how the best items of a model are re-ranked; None where they are not."""
    if weight == 0:
        return None
    item_is_known = embeddings.item_sources != UNKNOWN
    return Diversity(
        weight, unit_vectors(embeddings.item_vectors, item_is_known), embeddings.user_sources != UNKNOWN, item_is_known
    )
