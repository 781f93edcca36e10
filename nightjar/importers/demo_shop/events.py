"""A batch of events of the demo shop as parallel arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nightjar.importers.demo_shop.arrow_tables import instants
from nightjar.importers.demo_shop.catalogue import Catalogue
from nightjar.importers.demo_shop.customers import Customers
from nightjar.importers.demo_shop.shop_options import DAY_SECONDS

EVENT_TYPES = ("view", "click", "add_to_cart", "purchase", "rating")
VIEW, CLICK, ADD_TO_CART, PURCHASE, RATING = range(len(EVENT_TYPES))
_SHARE_LATE, _LATE_SECONDS = 0.02, (20 * 3600, 30 * 3600)


@dataclass(frozen=True)
class Events:
    """Events: index of user and item, index into `EVENT_TYPES`, value (nan if none), unix seconds."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    kind: NDArray[np.int64]
    value: NDArray[np.float64]
    at: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        kind: int,
        user: NDArray[np.int64],
        item: NDArray[np.int64],
        at: NDArray[np.int64],
        value: NDArray[np.float64] | None = None,
    ) -> "Events":
        """Events of one type."""
        count = len(user)
        return cls(user, item, np.full(count, kind), np.full(count, np.nan) if value is None else value, at)


def interaction_table(
    rng: np.random.Generator,
    label: str,
    end: int,
    customers: Customers,
    catalogue: Catalogue,
    batches: Sequence[Events],
) -> pa.Table:
    """Return the columns of `raw.interactions`, in order of time; what would happen from `end` on is left out.

    The ids begin with the label, which no other table of events may have.
    """
    user, item, kind, value, at = (
        np.concatenate([getattr(batch, name) for batch in batches]) for name in ("user", "item", "kind", "value", "at")
    )
    order = np.lexsort((kind, item, user, at))
    order = order[at[order] < end]
    return pa.table(
        {
            "event_id": [f"{label}-{number}" for number in range(1, len(order) + 1)],
            "user_id": customers.user_ids[user[order]],
            "item_id": catalogue.item_ids[item[order]],
            "event_type": np.array(EVENT_TYPES)[kind[order]],
            "value": pa.array(value[order], from_pandas=True),
            "occurred_at": instants(at[order]),
            "ingested_at": instants(arrival(rng, at[order])),
        }
    )


def arrival(rng: np.random.Generator, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) when each event arrives: mostly after some minutes, a few of them a day late."""
    lag = 1 + rng.exponential(240, len(at)).astype(np.int64)
    late = rng.integers(*_LATE_SECONDS, len(at))
    return at + np.where(rng.random(len(at)) < _SHARE_LATE, late, np.minimum(lag, DAY_SECONDS))
