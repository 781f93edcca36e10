"""SLIST (Choi et al. 2021): linear item-item weights from sets and orders of items, in closed form.

Written for the benchmark from the paper. Sequences are flat arrays; used for users and for sessions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from benchmarks.quality.evaluation import Scorer
from benchmarks.quality.events import Events

# Items before a position that count, and their decay by distance.
WINDOW, DECAY = 20, 4.0
# Decay of the items from a position on by distance, where several count.
_TARGET_DECAY = 3.0


@dataclass(frozen=True)
class Sequences:
    """Events one sequence after the other, each in the order of time.

    Attributes:
        items: (events,) index of the item.
        place: (events,) number of events of the sequence before each.
        left: (events,) number of events of the sequence after each.
        size: number of items.
    """

    items: NDArray[np.int64]
    place: NDArray[np.int64]
    left: NDArray[np.int64]
    size: int

    def around(self, distances: range, weight: Callable[[int], float]) -> sparse.csr_matrix:
        """(events, items) CSR: in row e the items at some distances after event e of its sequence, weighed."""
        rows, columns, values = [], [], []
        for distance in distances:
            has_item = self.place >= -distance if distance < 0 else self.left >= distance
            events = np.flatnonzero(has_item)
            rows.append(events)
            columns.append(self.items[events + distance])
            values.append(np.full(len(events), weight(distance), np.float32))
        parts = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_matrix(parts, shape=(len(self.items), self.size))

    def sets(self) -> sparse.csr_matrix:
        """(events, items) CSR: in the row of each sequence's first event a 1 for each of its items."""
        first = np.arange(len(self.items)) - self.place
        ones = np.ones(len(self.items), np.float32)
        matrix = sparse.csr_matrix((ones, (first, self.items)), shape=(len(self.items), self.size))
        matrix.data[:] = 1
        return matrix


def sequences_of(events: Events) -> tuple[Sequences, NDArray[np.int64]]:
    """Return the sequences of all users, and the user of each event."""
    place, counts = events.place_in_user()
    order = np.lexsort((place, events.users))
    left = counts[events.users] - 1 - place
    return Sequences(events.items[order], place[order], left[order], len(events.item_ids)), events.users[order]


def slist_weights(
    sequences: Sequences, alpha: float, ridge: float, targets: int, row_weights: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Fit the weights: row: an item of the history, column: the item scored; (items, items).

    With X the sets, S the items before each position and T those from it on, both decayed by distance, it minimises
    alpha |X - X B|^2 + (1 - alpha) |T - S B|^2 + ridge |B|^2.

    Args:
        sequences: of the training part.
        alpha: 0 to 1; 0: the order alone.
        ridge: above 0.
        targets: number of items from a position on that count.
        row_weights: (events,) of the squares; None: 1.
    """
    before = sequences.around(range(-WINDOW, 0), lambda distance: float(np.exp((distance + 1) / DECAY)))
    after = sequences.around(range(targets), lambda distance: float(np.exp(-distance / _TARGET_DECAY)))
    weights = sparse.diags(np.ones(len(sequences.items), np.float32) if row_weights is None else row_weights)
    left = (1 - alpha) * (before.T @ (weights @ before))
    right = (1 - alpha) * (before.T @ (weights @ after))
    if alpha > 0:
        sets = sequences.sets()
        of_sets = alpha * (sets.T @ (weights @ sets))
        left, right = left + of_sets, right + of_sets
    gram = np.asfortranarray(left.toarray(), np.float32)
    gram[np.diag_indices_from(gram)] += np.float32(ridge)
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"not positive definite with ridge {ridge}")
    solved, _ = lapack.spotrs(factor, np.asfortranarray(right.toarray(), np.float32), lower=1, overwrite_b=1)
    return solved


def slist(train: Events, alpha: float, ridge: float, targets: int) -> Callable[[float], Scorer]:
    """SLIST on the sequences of users, ranked by their newest items, decayed by their place from the end."""
    sequences, users = sequences_of(train)
    weights = slist_weights(sequences, alpha, ridge, targets)

    def ranked(history_decay: float) -> Scorer:
        values = np.where(sequences.left < WINDOW, np.exp(-sequences.left / history_decay), 0).astype(np.float32)
        history = sparse.csr_matrix((values, (users, sequences.items)), shape=(len(train.user_ids), sequences.size))
        history.eliminate_zeros()
        return lambda rows: history[rows] @ weights

    return ranked
