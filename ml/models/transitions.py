"""Item-item weights of what follows what: a ridge on the newest items and on sets, and sparse cosines beyond it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.training_data import TrainingPart
from ml.models.ease import is_dense
from ml.models.largest_weights import pruned_columns
from ml.models.sequence_windows import OrderedItems
from nightjar.contract.artifacts.sources import WARM, History, HistoryRule, ItemWeights
from nightjar.contract.settings import Settings

# An item explains those that follow it within so many ranks, each less by this decay.
NEWEST, DECAY = 20, 4.0
RIDGE = 200.0
# What a user's set of items counts beside the order of its events.
SETS = 0.25
# Items with fewer events are scored, but score none: they say too little for what the inverse of a long tail costs.
MIN_EVENTS = 3
# More than EASE keeps: these histories are short.
_NEIGHBOURS = 500
HISTORY = HistoryRule(0.0, NEWEST, DECAY)
# The very last items, and a longer past.
OTHER_HISTORIES = {"last": HistoryRule(0.0, NEWEST, 1.0), "long": HistoryRule(0.0, 50, 15.0)}
_WEIGHT = 0.25
_SHRINKAGE = 3.0
_BLOCK_CELLS, _BLOCK_ENTRIES = 4_000_000, 4_000_000


class Transitions:
    """The ridge, up to `cooccurrence_dense_items` items with interactions."""

    name, items = "transitions", WARM

    def weight(self, settings: Settings) -> float:
        """Of the blend, where no run chooses another; without co-occurrence none."""
        return _WEIGHT if settings.cooccurrence_share > 0 else 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemWeights | None:
        """Fit the weights; None where the catalogue is larger, nobody's items have an order, or they weigh 0."""
        if self.weight(settings) == 0 or not is_dense(part.pairs, settings):
            return None
        return _fitted(part.history, ridge_weights)


class TransitionCosine:
    """Shrunk cosines of what follows what, beyond `cooccurrence_dense_items` items with interactions."""

    name, items = "transition_cosine", WARM

    def weight(self, settings: Settings) -> float:
        """Of the blend, where no run chooses another; without co-occurrence none."""
        return _WEIGHT if settings.cooccurrence_share > 0 else 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemWeights | None:
        """Fit the weights; None for a catalogue of the ridge, where no items have an order, or they weigh 0."""
        if self.weight(settings) == 0 or is_dense(part.pairs, settings):
            return None
        return _fitted(part.history, cosine_weights)


@dataclass(frozen=True)
class Sequences:
    """The items of all users, oldest first, user after user.

    Attributes:
        items: (events,) item of each event, counted among the items that occur.
        place: (events,) number of the user's events before it.
        size: items that occur.
    """

    items: NDArray[np.int64]
    place: NDArray[np.int64]
    size: int

    def steps(self) -> Iterator[tuple[sparse.csr_matrix, sparse.csr_matrix]]:
        """Yield, block by block of events, what came before each, decayed, and the event: (events, items) each."""
        block = max(1, _BLOCK_ENTRIES // NEWEST)
        for start in range(0, len(self.items), block):
            events = np.arange(start, min(start + block, len(self.items)))
            parts = [self._before(events, lag) for lag in range(1, NEWEST + 1)]
            rows, before, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
            shape = (len(events), self.size)
            has_past = (self.place[events] > 0).astype(np.float64)
            yield (
                sparse.csr_matrix((weights, (rows, before)), shape=shape),
                sparse.csr_matrix((has_past, (events - start, self.items[events])), shape=shape),
            )

    def sets(self) -> sparse.csr_matrix:
        """Return a 1 for each item of each user: (users, items)."""
        users = np.cumsum(self.place == 0) - 1
        ones = np.ones(len(users))
        return sparse.csr_matrix((ones, (users, self.items)), shape=(int(users.max(initial=-1)) + 1, self.size))

    def _before(self, events: NDArray[np.int64], lag: int) -> tuple[NDArray[np.int64], ...]:
        reached = events[self.place[events] >= lag]
        weights = np.full(len(reached), np.exp((1 - lag) / DECAY))
        return reached - events[0], self.items[reached - lag], weights


def sequences_of(history: History) -> tuple[Sequences, NDArray[np.int64]]:
    """Return the sequences of a history, and the items that occur."""
    ordered = OrderedItems.of(history)
    place = np.arange(len(ordered.items)) - np.repeat(ordered.starts[:-1], np.diff(ordered.starts))
    return Sequences(ordered.items, place, len(ordered.warm)), ordered.warm


def ridge_weights(sequences: Sequences, neighbours: int) -> sparse.csc_matrix:
    """Weights B of (S'S + c X'X + ridge I) B = S'T + c X'X, pruned and without the diagonal.

    S is what came before an event, decayed, T the event, X the sets of the users' items and c is `SETS`: a temporal
    linear item-item model (Park et al. 2025) and a session-aware one (SLIST, Choi et al. 2021). Takes 4 bytes a pair of
    items.

    Args:
        sequences: of all users.
        neighbours: weights kept an item.

    Returns:
        (items, items) CSC; row: the earlier item, column: the later one.
    """
    size = sequences.size
    known = np.flatnonzero(np.bincount(sequences.items, minlength=size) >= MIN_EVENTS)
    if len(known) == 0:
        return sparse.csc_matrix((size, size))
    gram, following = np.zeros((len(known),) * 2, np.float32, order="F"), sparse.csc_matrix((len(known), size))
    for before, event in sequences.steps():
        before = before[:, known]
        gram += (before.T @ before).toarray().astype(np.float32)
        following = following + before.T @ event
    sets = sequences.sets().tocsc()
    of_known = sets[:, known].T.tocsr()

    # Multiplied once more when the blocks are solved: kept, it would take as much as the matrix itself.
    def of_sets(items: NDArray[np.int64]) -> NDArray[np.float32]:
        together: NDArray[np.float64] = (of_known @ sets[:, items]).toarray()
        return (SETS * together).astype(np.float32)

    width = max(1, _BLOCK_CELLS // len(known))
    for start in range(0, len(known), width):
        gram[:, start : start + width] += of_sets(known[start : start + width])
    gram[np.diag_indices_from(gram)] += np.float32(RIDGE)
    factor = linalg.cho_factor(gram, overwrite_a=True, check_finite=False)
    following = sparse.csc_matrix(following)
    pruned = []
    for start in range(0, size, width):
        items = np.arange(start, min(start + width, size))
        columns = following[:, items].toarray().astype(np.float32) + of_sets(items)
        solved = linalg.cho_solve(factor, columns, overwrite_b=True, check_finite=False)
        solved[known[:, None] == items] = 0
        pruned.append(pruned_columns(solved.astype(np.float64), neighbours))
    weights = sparse.hstack(pruned).tocoo()
    return sparse.csc_matrix((weights.data, (known[weights.row], weights.col)), shape=(size, size))


def cosine_weights(sequences: Sequences, neighbours: int) -> sparse.csc_matrix:
    """Weights B of shrunk cosines: B_ji = (S'T)_ji / sqrt((n_j + s) (n_i + s)), n the users of an item.

    Sparse throughout. Arguments and result as of `ridge_weights`.
    """
    size = sequences.size
    following = sparse.csr_matrix((size, size))
    for before, event in sequences.steps():
        following = following + (before.T @ event).tocsr()
    norms = sparse.diags(1 / np.sqrt(np.bincount(sequences.items, minlength=size) + _SHRINKAGE))
    return largest_of_columns((norms @ following @ norms).tocsc(), neighbours)


def largest_of_columns(weights: sparse.csc_matrix, kept: int) -> sparse.csc_matrix:
    """Return the `kept` largest weights of each column of a sparse matrix; of equal ones those of the first rows."""
    columns = np.repeat(np.arange(weights.shape[1]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, columns))
    place = np.arange(len(order)) - weights.indptr[columns[order]]
    chosen = order[place < kept]
    pairs = (weights.indices[chosen], columns[chosen])
    return sparse.csc_matrix((weights.data[chosen], pairs), shape=weights.shape)


def _fitted(history: History, fit: Callable[[Sequences, int], sparse.csc_matrix]) -> ItemWeights | None:
    """Fit weights to the items that occur, and return them by the index of the catalogue."""
    # Histories without an order have no rank but 1.
    if not (history.newest_ranks.data > 1).any():
        return None
    sequences, items = sequences_of(history)
    # More threads would change last bits.
    with threadpool_limits(1):
        fitted = fit(sequences, _NEIGHBOURS).tocoo()
    weights = sparse.csr_matrix(
        (fitted.data.astype(np.float32), (items[fitted.row], items[fitted.col])), shape=(history.weights.shape[1],) * 2
    )
    weights.sort_indices()
    return ItemWeights(weights, HISTORY, other_histories=OTHER_HISTORIES)
