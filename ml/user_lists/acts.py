"""What one user did and says of themselves up to now, from the raw tables: no night has to have seen it.

Reads `raw.interactions`, `raw.user_features` and the seed `core.event_weights`; or what dbt built of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.adapters.protocol import Connection

_EVENTS = "select item_id, event_type, value, occurred_at from raw.interactions where user_id = ?"
_BUILT_EVENTS = "select item_id, event_type, value, occurred_at from core.fct_interactions where user_id = ?"
_WEIGHTS = "select event_type, weight, min_value from core.event_weights order by min_value nulls first"
_FEATURES = "select feature, weight from raw.user_features where user_id = ? order by recorded_at, weight"
_BUILT_FEATURES = "select feature, weight from core.dim_user_features where user_id = ? and valid_to is null"
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
        seen: the items of all events, the newest first.
        liked: those of positive events, the newest positive one first.
        features: weight above 0 by feature.
    """

    last_at: datetime | None
    seen: tuple[str, ...]
    liked: tuple[str, ...]
    features: Mapping[str, float]


def read_acts(connection: Connection, user_id: str) -> UserActs:
    """Read what is known of one user, which may be nothing."""
    return _read(connection, user_id, _EVENTS, _FEATURES)


def read_built_acts(connection: Connection, user_id: str) -> UserActs:
    """Read what was known of one user when facts and dimensions were built last."""
    return _read(connection, user_id, _BUILT_EVENTS, _BUILT_FEATURES)


def _read(connection: Connection, user_id: str, events_of: str, features_of: str) -> UserActs:
    weights = connection.execute(_WEIGHTS).fetchall()
    events = [
        Event(item_id, is_positive(event_type, value, weights), occurred_at)
        for item_id, event_type, value, occurred_at in connection.execute(events_of, [user_id]).fetchall()
    ]
    features = {
        feature.strip(): float(weight) for feature, weight in connection.execute(features_of, [user_id]).fetchall()
    }
    return UserActs(
        max((event.occurred_at for event in events), default=None),
        newest_first(events),
        newest_first(event for event in events if event.is_positive),
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


def newest_first(events: Iterable[Event]) -> tuple[str, ...]:
    """Return each item once, by its last event, the newest first, and of one instant by item id."""
    last: dict[str, datetime] = {}
    for event in events:
        last[event.item_id] = max(event.occurred_at, last.get(event.item_id, event.occurred_at))
    return tuple(sorted(sorted(last), key=lambda item_id: last[item_id], reverse=True))
