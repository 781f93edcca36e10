"""What one user did and says of themselves up to now, from the raw tables: no night has to have seen it.

Reads `raw.interactions`, `raw.user_features` and the seed `core.event_weights`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.adapters.protocol import Connection

_EVENTS = "select item_id, event_type, value, occurred_at from raw.interactions where user_id = ?"
_WEIGHTS = "select event_type, weight, min_value from core.event_weights order by min_value nulls first"
_FEATURES = "select feature, weight from raw.user_features where user_id = ? order by recorded_at, weight"
# What an event type that the seed does not know is weighed as.
_ANY_TYPE = "interaction"


@dataclass(frozen=True)
class Event:
    """One event of the user; `is_positive` says whether the seed gives it a weight."""

    item_id: str
    is_positive: bool
    occurred_at: datetime


@dataclass(frozen=True)
class UserActs:
    """What is known of one user.

    Attributes:
        last_at: when the newest event happened; None: there is none.
        seen: when each item had its last event, whatever its weight, the newest first.
        liked: those of positive events, the newest positive one first.
        features: weight above 0 by feature.
    """

    last_at: datetime | None
    seen: Mapping[str, datetime]
    liked: tuple[str, ...]
    features: Mapping[str, float]


def read_acts(connection: Connection, user_id: str) -> UserActs:
    """Read what is known of one user, which may be nothing."""
    weights = connection.execute(_WEIGHTS).fetchall()
    events = [
        Event(item_id, is_positive(event_type, value, weights), occurred_at)
        for item_id, event_type, value, occurred_at in connection.execute(_EVENTS, [user_id]).fetchall()
    ]
    features = {
        feature.strip(): float(weight) for feature, weight in connection.execute(_FEATURES, [user_id]).fetchall()
    }
    return UserActs(
        max((event.occurred_at for event in events), default=None),
        last_times(events),
        tuple(last_times(event for event in events if event.is_positive)),
        {feature: weight for feature, weight in features.items() if weight > 0},
    )


def is_positive(event_type: str, value: float | None, weights: Sequence[tuple[str, float, float | None]]) -> bool:
    """Whether an event counts, by the rule of `int_interactions_weighted`: the highest min_value not above the value.

    Args:
        event_type: as it arrived.
        value: of the event.
        weights: event_type, weight, min_value of the seed, the lowest min_value first, none before all.
    """
    name = event_type.strip().lower()
    wanted = name if any(name == each for each, _, _ in weights) else _ANY_TYPE
    fitting = [
        weight
        for each, weight, min_value in weights
        if each == wanted and (min_value is None or (value is not None and value >= min_value))
    ]
    return bool(fitting) and fitting[-1] > 0


def last_times(events: Iterable[Event]) -> dict[str, datetime]:
    """Return when each item had its last event, the newest first, and of one instant by item id."""
    last: dict[str, datetime] = {}
    for event in events:
        last[event.item_id] = max(event.occurred_at, last.get(event.item_id, event.occurred_at))
    return {item_id: last[item_id] for item_id in sorted(sorted(last), key=lambda item_id: last[item_id], reverse=True)}
