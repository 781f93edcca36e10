"""The lists of one block of users in one domain while they are filled, source after source.

Used by block: model rows are put first, popularity lists fill the places left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.candidates import Indices, PopularityList, positions

SOURCES = ("personal", "cold_user", "segment_popular", "popular")
PERSONAL, COLD_USER, SEGMENT_POPULAR, POPULAR = range(len(SOURCES))


@dataclass(frozen=True)
class UserItemPairs:
    """(row, item, weight) of a block, sorted by row: the items that each row's user has met, newest first.

    The weight (float32) is 0 where the user met the item and did not like it.
    """

    rows: Indices
    items: Indices
    weights: Vectors

    def of(self, chosen: NDArray[np.bool_]) -> "UserItemPairs":
        """Keep some of the pairs."""
        return UserItemPairs(self.rows[chosen], self.items[chosen], self.weights[chosen])

    def place_in_row(self) -> Indices:
        """Return the number of pairs of the same row before each pair."""
        return place_in_row(self.rows)


@dataclass(frozen=True)
class TopKLists:
    """(users, k) arrays, filled from the left: item index or -1, score, index into `SOURCES`."""

    items: Indices
    scores: Vectors
    sources: NDArray[np.int8]

    @classmethod
    def empty(cls, users: int, k: int) -> "TopKLists":
        """Lists without an item."""
        shape = (users, k)
        return cls(np.full(shape, -1, np.int64), np.zeros(shape, np.float32), np.zeros(shape, np.int8))

    @classmethod
    def beside(cls, lists: "Sequence[TopKLists]") -> "TopKLists":
        """Join the lists of several domains to (users, k * domains) arrays."""
        return cls(
            np.concatenate([each.items for each in lists], axis=1),
            np.concatenate([each.scores for each in lists], axis=1),
            np.concatenate([each.sources for each in lists], axis=1),
        )

    def put(self, rows: Indices, items: Indices, scores: Vectors, source: int) -> None:
        """Set the whole lists of some rows; `items` and `scores` are (rows, k), -1 marks an empty place at the end."""
        self.items[rows] = items
        self.scores[rows] = scores
        self.sources[rows] = source

    def fill(self, rows: Indices, ranked: PopularityList, left_out: UserItemPairs, source: int) -> None:
        """Append the best items of a ranked list that a row's user may and does not yet have, up to k.

        The j-th free place of a list with taken places t_0 < t_1 < ... is j plus the number of taken places that have
        at most j free ones before them, `t_i - i <= j`: no user is looped over and no list is scanned.
        """
        k, count = self.items.shape[1], (self.items >= 0).sum(axis=1)
        rows = rows[count[rows] < k]
        taken_rows, taken = self._taken(rows, ranked, left_out)
        free_before = taken - place_in_row(taken_rows)
        near = free_before < k
        histogram = np.bincount(taken_rows[near] * k + free_before[near], minlength=len(rows) * k)
        places = np.arange(k) + histogram.reshape(len(rows), k).cumsum(axis=1)
        missing = k - count[rows]
        row, j = np.nonzero((places < len(ranked.items)) & (np.arange(k) < missing[:, None]))
        target = (rows[row], count[rows[row]] + j)
        self.items[target] = ranked.items[places[row, j]]
        self.scores[target] = ranked.scores[places[row, j]]
        self.sources[target] = source

    def _taken(self, rows: Indices, ranked: PopularityList, left_out: UserItemPairs) -> tuple[Indices, Indices]:
        position = positions(rows, len(self.items))
        left_out = left_out.of(position[left_out.rows] >= 0)
        given_rows, given_slots = np.nonzero(self.items[rows] >= 0)
        all_rows = np.concatenate([position[left_out.rows], given_rows])
        all_places = ranked.places_of(np.concatenate([left_out.items, self.items[rows[given_rows], given_slots]]))
        in_list = all_places >= 0
        # Sorted by row, then place, each pair once.
        key = np.unique(all_rows[in_list] * len(ranked.items) + all_places[in_list])
        return key // max(len(ranked.items), 1), key % max(len(ranked.items), 1)


def place_in_row(rows: Indices) -> Indices:
    """Return for each of some ascending row numbers how many equal ones stand before it."""
    place = np.arange(len(rows))
    is_first = np.diff(rows, prepend=-1) > 0
    return place - np.maximum.accumulate(np.where(is_first, place, 0))
