"""What the sources of item weights score for some users; used by the blend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.sources import History, ItemWeights
from nightjar.ranking.history_product import WeighedHistory, add_history_products
from nightjar.ranking.item_groups import inverse_or_zero

# Where the variance is less than this part of the squared mean, the difference of two sums has lost too many digits.
_CANCELS = 0.01


@dataclass(frozen=True)
class HistoryScores:
    """Scores with what standardises them, sources in a fixed order.

    Attributes:
        raw: (users, sources, items) float32; 0 for items that are not standardised over.
        mean: (users, sources) float32.
        scale: (users, sources) float32, 1 / standard deviation; 0 for a user whose scores do not vary.
    """

    raw: Vectors
    mean: Vectors
    scale: Vectors

    @classmethod
    def of(cls, sources: Sequence[ItemWeights], history: History, is_member: Vectors) -> "HistoryScores":
        """Score for each user of a history.

        Args:
            sources: of (items, items) weights, with none for an item that is no member.
            history: of the users.
            is_member: (items,) float32, 1 for the items that mean and standard deviation are computed over, else 0.
        """
        users = history.weights.shape[0]
        raw = np.zeros((users, len(sources), len(is_member)), np.float32)
        has_signal = np.ones(raw.shape[:2], np.bool_)
        weighed = [WeighedHistory.of(history, each.history) for each in sources]
        for places in _by_weights(sources):
            products = [weighed[place] for place in places], sources[places[0]].weights
            add_history_products(*products, [raw[:, place] for place in places])
        for place, source in enumerate(sources):
            if source.average is not None:
                has_signal[:, place] = weighed[place].subtract_average(raw[:, place], source.average)
        mean, deviation = _mean_and_deviation(raw.reshape(-1, len(is_member)), is_member)
        scale = inverse_or_zero(deviation, mean).astype(np.float32).reshape(has_signal.shape) * has_signal
        return cls(raw, mean.astype(np.float32).reshape(has_signal.shape), scale)

    def weighed(self, weights: Vectors) -> Vectors:
        """Return the sum of the raw scores by (users, sources) float32 weights: (users, items).

        One source after the other: the last bits of a product of matrices depend on how many sources there are, also on
        those that weigh nothing for these users.
        """
        weighed = np.zeros(self.raw[:, 0].shape, np.float32)
        for source in np.flatnonzero(weights.any(axis=0)):
            weighed += weights[:, source, None] * self.raw[:, source]
        return weighed

    def standardised(self, source: int, rows: NDArray[np.int64], items: NDArray[np.int64] | None = None) -> Vectors:
        """Return the standardised scores of one source for some users, right for members only.

        Args:
            source: its place.
            rows: (rows,) of the users.
            items: (rows, n) of each; None: all items.
        """
        raw = self.raw[rows, source] if items is None else self.raw[rows[:, None], source, items]
        standardised: Vectors = (raw - self.mean[rows, source, None]) * self.scale[rows, source, None]
        return standardised


def _by_weights(sources: Sequence[ItemWeights]) -> Iterable[list[int]]:
    """Return the places of the sources that share weights."""
    places: dict[int, list[int]] = {}
    for place, source in enumerate(sources):
        places.setdefault(id(source.weights), []).append(place)
    return places.values()


def _mean_and_deviation(scores: Vectors, is_member: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each row over the members; other columns are 0."""
    count = max(1, int(np.count_nonzero(is_member)))
    mean = (scores @ is_member).astype(np.float64) / count
    variance = np.vecdot(scores, scores).astype(np.float64) / count - mean**2
    for row in np.flatnonzero(variance < _CANCELS * mean**2):
        differences = (scores[row] - mean[row].astype(np.float32)) * is_member
        variance[row] = differences @ differences / count
    return mean, np.sqrt(variance)
