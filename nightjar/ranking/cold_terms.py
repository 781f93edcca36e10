"""What sources of cold items score for some users; used by the blend.

Such items are standardised among themselves alone (`nightjar.ranking.blend`), and are few: their scores are dense.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, Vectors
from nightjar.contract.artifacts.sources import COLD, Fitted, History, ItemScores, ItemWeights, Source, VectorSource
from nightjar.ranking.history_product import WeighedHistory, add_history_products
from nightjar.ranking.item_groups import inverse_or_zero


@dataclass(frozen=True)
class ColdTerm:
    """The standardised scores of one source for some users.

    Attributes:
        values: (users, columns) float32.
        column_of: (items,) column of each item, -1: the source adds nothing.
    """

    values: Vectors
    column_of: NDArray[np.int64]

    def of(self, rows: NDArray[np.int64], items: NDArray[np.int64]) -> Vectors:
        """Return the scores of some items of each row: (rows, n); 0 for item -1."""
        columns = self.column_of[items]
        values: Vectors = self.values[rows[:, None], columns]
        return np.where((items >= 0) & (columns >= 0), values, np.float32(0))


def is_scored_cold(sources: Sequence[Source], item_sources: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return for each item whether it has features alone and a source of cold items scores it: (items,)."""
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


def cut(fitted: Fitted, items: NDArray[np.int64]) -> Fitted:
    """Return what scores some items only, one column for each."""
    match fitted:
        case ItemWeights():
            average = None if fitted.average is None else fitted.average[items]
            return replace(fitted, weights=fitted.weights[:, items].tocsr(), average=average)
        case ItemScores():
            return ItemScores(fitted.scores[items])
        case VectorSource():
            return replace(fitted, item_vectors=fitted.item_vectors[items], item_biases=fitted.item_biases[items])


def raw_scores(fitted: Fitted, vectors: Vectors | None, history: History) -> tuple[Vectors, NDArray[np.bool_] | None]:
    """Return the scores of one source, not standardised, and which rows have a signal; None: all."""
    match fitted:
        case ItemWeights():
            weighed = WeighedHistory.of(history, fitted.history)
            scores = np.zeros((len(weighed.starts) - 1, fitted.weights.shape[1]), np.float32)
            add_history_products([weighed], fitted.weights, [scores])
            if fitted.average is None:
                return scores, None
            return scores, weighed.subtract_average(scores, fitted.average)
        case ItemScores():
            return fitted.scores[None, :].copy(), None
        case VectorSource():
            if vectors is None:
                return np.zeros((1, len(fitted.item_biases)), np.float32), None
            return vectors @ fitted.item_vectors.T + fitted.item_biases, np.asarray(vectors.any(axis=1))


def standardise(scores: Vectors, is_member: Vectors, has_signal: NDArray[np.bool_] | None) -> None:
    """Scale each row, in place, to mean 0 and standard deviation 1 over some columns; to 0 where it is constant there.

    Args:
        scores: (rows, columns) float32.
        is_member: (columns,) float32, 1 for the columns that count, else 0.
        has_signal: (rows,) the rows to scale, others become 0; None: all.
    """
    count = max(1, int(np.count_nonzero(is_member)))
    mean = scores @ is_member / count
    scores -= mean[:, None]
    scale = inverse_or_zero(np.sqrt(np.square(scores) @ is_member / count), mean)
    scores *= (scale if has_signal is None else scale * has_signal)[:, None]
