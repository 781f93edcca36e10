"""The events of a data set in the order of time, one per user-item pair, and matrices of parts of them.

Reads `raw.interactions` of a warehouse file, so that every layout that `nightjar import` understands can be measured.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_FIRST_EVENTS = """
select user_id, item_id, epoch_us(min(occurred_at)) as micros, min_by(event_id, (occurred_at, event_id)) as event_id
from raw.interactions
group by user_id, item_id
order by micros, event_id
"""


@dataclass(frozen=True)
class Events:
    """Events sorted by time, then id.

    Attributes:
        user_ids: (users,) text.
        item_ids: (items,) text.
        users: (events,) index into `user_ids`.
        items: (events,) index into `item_ids`.
        micros: (events,) microseconds since 1970.
        event_ids: (events,) text.
    """

    user_ids: NDArray[np.object_]
    item_ids: NDArray[np.object_]
    users: NDArray[np.int64]
    items: NDArray[np.int64]
    micros: NDArray[np.int64]
    event_ids: NDArray[np.object_]

    def where(self, chosen: NDArray[np.bool_]) -> "Events":
        """Return some of the events; users and items keep their indices."""
        parts = {name: getattr(self, name)[chosen] for name in ("users", "items", "micros", "event_ids")}
        return replace(self, **parts)

    def matrix(self, recency_rank_power: float = 0.0) -> sparse.csr_matrix:
        """(users, items) float32 CSR; a user's n-th of N events weighs (n/N)^power, as Nightjar weighs it."""
        place, counts = self.place_in_user()
        weights = ((place + 1) / counts[self.users]) ** recency_rank_power
        shape = (len(self.user_ids), len(self.item_ids))
        matrix = sparse.csr_matrix((weights.astype(np.float32), (self.users, self.items)), shape=shape)
        matrix.sort_indices()
        return matrix

    def place_in_user(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return each event's number (from 0) among those of its user, and the number of events of each user."""
        counts = np.bincount(self.users, minlength=len(self.user_ids))
        by_user = np.argsort(self.users, kind="stable")
        place = np.empty(len(self.users), np.int64)
        place[by_user] = np.arange(len(self.users)) - np.repeat(np.cumsum(counts) - counts, counts)
        return place, counts

    def tied_fraction(self) -> float:
        """Fraction of the events that have the time of their user's event before."""
        order = np.argsort(self.users, kind="stable")
        is_tied = (np.diff(self.users[order]) == 0) & (np.diff(self.micros[order]) == 0)
        return float(is_tied.sum() / max(1, len(self.users)))


def read_events(warehouse: Path) -> Events:
    """Read the events of a DuckDB warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns = connection.execute(_FIRST_EVENTS).fetchnumpy()
    user_ids, users = np.unique(columns["user_id"].astype(object), return_inverse=True)
    item_ids, items = np.unique(columns["item_id"].astype(object), return_inverse=True)
    return Events(
        user_ids,
        item_ids,
        users.astype(np.int64),
        items.astype(np.int64),
        columns["micros"].astype(np.int64),
        columns["event_id"].astype(object),
    )
