"""The top-K lists of a block of users in one domain while they are filled, source by source.

Used by the ranker: recommendations of the model are put first, popular items fill the empty ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.sources import History
from nightjar.ranking.catalogue import Indices, PopularityList, positions

SOURCES = ("personal", "cold_user", "segment_popular", "popular")
PERSONAL, COLD_USER, SEGMENT_POPULAR, POPULAR = range(len(SOURCES))


@dataclass(frozen=True)
class UserItemPairs:
    """(row, item) of a block of users, sorted by row."""

    rows: Indices
    items: Indices

    def where(self, chosen: NDArray[np.bool_]) -> "UserItemPairs":
        """Return some of the pairs."""
        return UserItemPairs(self.rows[chosen], self.items[chosen])


@dataclass(frozen=True)
class OwnItems(UserItemPairs):
    """(row, item, weight) of a block of users, sorted by row: the items that each row's user has seen, newest first.

    The weight (float32) is 0 where the user has no positive event with the item. Of those with a weight, the newest
    rank (float32) is 1 for the user's newest, 2 for the one before, ...
    """

    weights: Vectors
    newest_ranks: Vectors

    def where(self, chosen: NDArray[np.bool_]) -> "OwnItems":
        """Return some of the pairs."""
        return OwnItems(self.rows[chosen], self.items[chosen], self.weights[chosen], self.newest_ranks[chosen])

    def place_in_row(self) -> Indices:
        """Return the number of pairs of the same row before each pair."""
        return place_in_row(self.rows)

    def history(self, users: int, items: int) -> History:
        """Return the items with a weight above 0 of some users, one a row."""
        liked = self.where(self.weights > 0)
        parts = (sparse.csr_matrix((each, (liked.rows, liked.items)), shape=(users, items)) for each in liked.values)
        history = History(*parts)
        history.weights.sort_indices()
        history.newest_ranks.sort_indices()
        return history

    @property
    def values(self) -> tuple[Vectors, Vectors]:
        """The weights and the newest ranks."""
        return self.weights, self.newest_ranks


@dataclass(frozen=True)
class TopKLists:
    """(users, k) arrays, filled from rank 1.

    Attributes:
        items: item index, or -1.
        scores: float32.
        sources: index into `SOURCES`.
        contributions: (users, k, sources of the model) float32, what each added to the score; 0 for popular items.
    """

    items: Indices
    scores: Vectors
    sources: NDArray[np.int8]
    contributions: Vectors

    @classmethod
    def empty(cls, users: int, k: int, sources: int) -> "TopKLists":
        """Return lists without an item."""
        shape = (users, k)
        return cls(
            np.full(shape, -1, np.int64),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.int8),
            np.zeros((*shape, sources), np.float32),
        )

    @classmethod
    def side_by_side(cls, lists: "Sequence[TopKLists]") -> "TopKLists":
        """Join the lists of several domains to (users, k * domains) arrays."""
        return cls._joined(lists, axis=1)

    @classmethod
    def stacked(cls, lists: "Sequence[TopKLists]") -> "TopKLists":
        """Join the lists of several blocks of users."""
        return cls._joined(lists, axis=0)

    @classmethod
    def _joined(cls, lists: "Sequence[TopKLists]", axis: int) -> "TopKLists":
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(each, name) for each in lists], axis=axis) for name in names))

    def put(self, rows: Indices, items: Indices, scores: Vectors, source: int, contributions: Vectors) -> None:
        """Set the whole lists of some rows; `items` and `scores` are (rows, k), -1 marks an empty rank at the end."""
        self.items[rows] = items
        self.scores[rows] = scores
        self.sources[rows] = source
        self.contributions[rows] = contributions

    def taken(self, places: Indices, scores: Vectors) -> "TopKLists":
        """Return lists of the items at some places of these, (users, k), -1 for an empty rank, with other scores."""
        is_item, at = places >= 0, np.maximum(places, 0)
        return TopKLists(
            np.where(is_item, np.take_along_axis(self.items, at, axis=1), -1),
            scores,
            np.take_along_axis(self.sources, at, axis=1),
            np.take_along_axis(self.contributions, at[:, :, None], axis=1) * is_item[:, :, None],
        )

    def fill(self, rows: Indices, popular: PopularityList, left_out: UserItemPairs, source: int) -> None:
        """Append the most popular items that are not left out for a row's user and not yet in the list, up to k.

        Of a popularity list with excluded positions t_0 < t_1 < ... the j-th free position is j plus the number of
        excluded ones with at most j free ones before them, `t_i - i <= j`: no loop over users, no scan of lists.
        """
        k, count = self.items.shape[1], (self.items >= 0).sum(axis=1)
        rows = rows[count[rows] < k]
        excluded_rows, excluded = self._excluded(rows, popular, left_out)
        free_before = excluded - place_in_row(excluded_rows)
        near = free_before < k
        histogram = np.bincount(excluded_rows[near] * k + free_before[near], minlength=len(rows) * k)
        places = np.arange(k) + histogram.reshape(len(rows), k).cumsum(axis=1)
        missing = k - count[rows]
        row, j = np.nonzero((places < len(popular.items)) & (np.arange(k) < missing[:, None]))
        target = (rows[row], count[rows[row]] + j)
        self.items[target] = popular.items[places[row, j]]
        self.scores[target] = popular.scores[places[row, j]]
        self.sources[target] = source

    def _excluded(self, rows: Indices, popular: PopularityList, left_out: UserItemPairs) -> tuple[Indices, Indices]:
        position = positions(rows, len(self.items))
        left_out = left_out.where(position[left_out.rows] >= 0)
        listed_rows, listed_ranks = np.nonzero(self.items[rows] >= 0)
        all_rows = np.concatenate([position[left_out.rows], listed_rows])
        all_positions = popular.positions_of(
            np.concatenate([left_out.items, self.items[rows[listed_rows], listed_ranks]])
        )
        in_list = all_positions >= 0
        # Sorted by row, then position, each pair once.
        key = np.unique(all_rows[in_list] * len(popular.items) + all_positions[in_list])
        return key // max(len(popular.items), 1), key % max(len(popular.items), 1)


def place_in_row(rows: Indices) -> Indices:
    """Return for each of some ascending row numbers the number of equal ones before it."""
    place = np.arange(len(rows))
    is_first = np.diff(rows, prepend=-1) > 0
    return place - np.maximum.accumulate(np.where(is_first, place, 0))
