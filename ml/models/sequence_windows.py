"""The users' items in order, cut into windows that a sequence model learns from, and the items held back from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.sources import History

Integers = NDArray[np.int64]
# Batches whose windows are sorted by length together.
_POOL = 20


@dataclass(frozen=True)
class Shape:
    """The settings of a fit.

    Attributes:
        dimension: of the embeddings.
        length: newest items of a sequence that are read.
        epochs: most passes over the data.
        minutes: after which no further epoch begins; 0: any.
        seed: of all random numbers.
    """

    dimension: int
    length: int
    epochs: int
    minutes: float
    seed: int


@dataclass(frozen=True)
class OrderedItems:
    """The items of all users, oldest first, user after user.

    Attributes:
        items: (events,) item of each event, counted among those that occur.
        starts: (users + 1,) where a user's events begin; the last one is the number of all.
        warm: (items that occur,) their index in the catalogue.
    """

    items: Integers
    starts: Integers
    warm: Integers

    @classmethod
    def of(cls, history: History) -> "OrderedItems":
        """Order the items of histories by their ranks, ties by index."""
        ranks = history.newest_ranks.tocoo()
        warm, numbers = np.unique(ranks.col, return_inverse=True)
        order = np.lexsort((ranks.col, -ranks.data, ranks.row))
        counts = np.bincount(ranks.row, minlength=history.newest_ranks.shape[0])
        return cls(numbers[order].astype(np.int64), np.concatenate([[0], np.cumsum(counts)]), warm.astype(np.int64))

    def windows(self, length: int, held_back: Integers | int) -> tuple[Integers, Integers]:
        """Cut events so that each but a user's first is the target of one window: (windows,) begins and ends.

        Args:
            length: targets of a window at most; it begins with one event more.
            held_back: newest events of users that are in no window: (users,), or one number for all.
        """
        kept = self.starts[1:] - held_back
        targets = np.maximum(kept - self.starts[:-1] - 1, 0)
        counts = -(-targets // length)
        users = np.repeat(np.arange(len(targets)), counts)
        number = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
        ends = kept[users] - number * length
        return np.maximum(ends - length - 1, self.starts[users]), ends

    def newest(self, users: Integers, length: int, held_back: int = 0) -> tuple[Integers, Integers]:
        """Return the newest events of users before those held back: (users,) begins and ends."""
        ends = np.maximum(self.starts[users + 1] - held_back, self.starts[users])
        return np.maximum(ends - length, self.starts[users]), ends

    def rows(self, begins: Integers, ends: Integers) -> tuple[Integers, Integers]:
        """Return a row of items for each slice of events, filled up by 0 at its end, and the rows' lengths."""
        lengths = ends - begins
        places = np.arange(lengths.max(initial=0))
        inside = places < lengths[:, None]
        return np.where(inside, self.items[np.where(inside, begins[:, None] + places, 0)], 0), lengths


def batches(lengths: Integers, places: int, random: np.random.Generator) -> list[Integers]:
    """Cut all windows into batches in a random order; those of a batch are similarly long, so that little is filled up.

    Args:
        lengths: (windows,) events of each.
        places: rows times the longest row of a batch, at most, so that the targets of each batch, short windows or long
            ones, count about alike; a window longer than that is a batch of its own.
        random: orders windows and batches.

    Returns:
        (windows of the batch,) indices, a batch each.
    """
    order = random.permutation(len(lengths))
    cut = []
    pools = -(-int(lengths.sum()) // (places * _POOL))
    for pool in np.array_split(order, max(1, pools)):
        # Stable, so that windows of one length keep their random order.
        left = pool[np.argsort(-lengths[pool], kind="stable")]
        while len(left):
            count = max(1, places // int(lengths[left[0]]))
            cut.append(left[:count])
            left = left[count:]
    return [cut[place] for place in random.permutation(len(cut))]


def mean_features(features: sparse.csr_matrix, is_identity: NDArray[np.bool_]) -> sparse.csr_matrix:
    """Return what each item carries besides its identity, weights that sum to 1 an item: (items, features) CSR."""
    carried = features[:, np.flatnonzero(~is_identity)].tocsr().astype(np.float32)
    sums = np.asarray(carried.sum(axis=1)).ravel()
    scaled = sparse.diags(np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)) @ carried
    scaled = scaled.tocsr().astype(np.float32)
    scaled.eliminate_zeros()
    scaled.sort_indices()
    return scaled


def ndcg_of_held_back(scores: NDArray[np.float32], seen: NDArray[np.bool_], held_back: Integers, k: int) -> float:
    """Return the mean NDCG at k where one item is relevant: 1 / log2(1 + rank), 0 beyond k. Ties count against it.

    Args:
        scores: (users, items).
        seen: (users, items) what does not compete.
        held_back: (users,) the relevant item.
        k: places of a list.
    """
    rows = np.arange(len(held_back))
    competes = ~seen
    competes[rows, held_back] = False
    ranks = 1 + (competes & (scores >= scores[rows, held_back][:, None])).sum(axis=1)
    return float(np.mean(np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0)))
