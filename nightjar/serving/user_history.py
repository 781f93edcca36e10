"""Events and features of one user up to now, from the raw tables: newer than the last run.

Reads `raw.interactions`, `raw.user_features` and `raw.event_weights`; or what dbt built from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from nightjar.warehouse import event_weights
from nightjar.warehouse.event_weights import EventWeight
from nightjar.warehouse.protocol import Connection

_EVENTS = "select item_id, event_type, value, occurred_at from raw.interactions where user_id = ?"
_BUILT_EVENTS = "select item_id, event_type, value, occurred_at from core.fct_interactions where user_id = ?"
_FEATURES = "select feature, weight from raw.user_features where user_id = ? order by recorded_at, weight"
_BUILT_FEATURES = "select feature, weight from core.dim_user_features where user_id = ? and valid_to is null"


@dataclass(frozen=True)
class Event:
    """One event of the user; `is_positive`: its weight is above 0."""

    item_id: str
    is_positive: bool
    occurred_at: datetime


@dataclass(frozen=True)
class UserHistory:
    """Seen and liked items, and features, of one user.

    Attributes:
        last_at: time of the newest event; None: there is none.
        seen: time of the last event of each item, of any weight, the newest first.
        liked: items with a positive event, the newest first.
        features: weight above 0 by feature.
    """

    last_at: datetime | None
    seen: Mapping[str, datetime]
    liked: tuple[str, ...]
    features: Mapping[str, float]


def read_history(connection: Connection, user_id: str, unknown_event_weight: float) -> UserHistory:
    """Read the history of one user, which may be empty.

    Args:
        connection: to the warehouse.
        user_id: the user.
        unknown_event_weight: weight of an event whose type has none.
    """
    return _read(connection, user_id, unknown_event_weight, _EVENTS, _FEATURES)


def read_built_history(connection: Connection, user_id: str, unknown_event_weight: float) -> UserHistory:
    """Read the history of one user as of the last build of facts and dimensions; arguments as of `read_history`."""
    return _read(connection, user_id, unknown_event_weight, _BUILT_EVENTS, _BUILT_FEATURES)


def _read(
    connection: Connection, user_id: str, unknown_event_weight: float, events_of: str, features_of: str
) -> UserHistory:
    weights = event_weights.by_type(event_weights.read(connection))
    events = [
        Event(item_id, is_positive(event_type, value, weights, unknown_event_weight), occurred_at)
        for item_id, event_type, value, occurred_at in connection.execute(events_of, [user_id]).fetchall()
    ]
    features = {
        feature.strip(): float(weight) for feature, weight in connection.execute(features_of, [user_id]).fetchall()
    }
    return UserHistory(
        max((event.occurred_at for event in events), default=None),
        last_times(events),
        tuple(last_times(event for event in events if event.is_positive)),
        {feature: weight for feature, weight in features.items() if weight > 0},
    )


def is_positive(
    event_type: str, value: float | None, weights: Mapping[str, list[EventWeight]], unknown_event_weight: float
) -> bool:
    """Whether an event has a weight above 0, by the rule of `int_interactions_weighted`.

    Args:
        event_type: as it arrived.
        value: of the event.
        weights: as of `event_weights.by_type`.
        unknown_event_weight: weight of an event whose type has none.
    """
    rows = weights.get(event_weights.normal_name(event_type))
    return (unknown_event_weight if rows is None else event_weights.weight_of(rows, value)) > 0


def last_times(events: Iterable[Event]) -> dict[str, datetime]:
    """Return the time of the last event of each item, the newest first, of one instant by item id."""
    last: dict[str, datetime] = {}
    for event in events:
        last[event.item_id] = max(event.occurred_at, last.get(event.item_id, event.occurred_at))
    return {item_id: last[item_id] for item_id in sorted(sorted(last), key=lambda item_id: last[item_id], reverse=True)}
