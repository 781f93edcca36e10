"""How many raw events each type has, which types have no weight, and whether any event has a weight above 0.

Reads `raw.interactions` and `raw.event_weights`; used when a run begins, by `nightjar import` and `nightjar events`.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.warehouse import event_weights
from nightjar.warehouse.event_weights import EventWeight
from nightjar.warehouse.protocol import Connection

_FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
_VISIBLE = "occurred_at < ? and ingested_at <= ?"
_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Visible:
    """Which events a run sees: those before its end that arrived by `ingested_before`; all by default."""

    as_of: datetime = _FAR_FUTURE
    ingested_before: datetime | None = None

    @property
    def parameters(self) -> list[datetime]:
        """Values of the condition's placeholders."""
        return [self.as_of, self.ingested_before or _FAR_FUTURE]


def count_types(connection: Connection, visible: Visible | None = None) -> dict[str, int]:
    """Return the events of each type, named as the facts write it, the most frequent type first."""
    return {name: sum(each.values()) for name, each in _spellings(connection, visible or Visible()).items()}


def unknown_types(connection: Connection, visible: Visible | None = None) -> dict[str, int]:
    """Return the events of each type that has no weight, the most frequent type first."""
    known = {row.event_type for row in event_weights.read(connection)}
    return {name: events for name, events in count_types(connection, visible).items() if name not in known}


def unknown_types_line(unknown: Mapping[str, int], unknown_event_weight: float) -> str:
    """Return one line: the types without a weight, their events, and the command that sets a weight."""
    one = len(unknown) == 1
    return (
        f"{sum(unknown.values()):,} events have weight {unknown_event_weight:g}, because "
        f"{'their event type has' if one else 'their event types have'} no weight: {_listed(unknown)}; "
        f"set {'it' if one else 'each'}: nightjar events set {shlex.quote(next(iter(unknown)))} --weight W"
    )


def check_some_event_counts(connection: Connection, settings: Settings, visible: Visible) -> None:
    """Refuse a run without an event of a weight above 0, or with unusable weights.

    Raises:
        BadInput: as above; names the types, and the command that sets a weight.
    """
    rows = event_weights.read(connection)
    event_weights.check_usable(rows)
    weights = event_weights.by_type(rows)
    spellings = _spellings(connection, visible)
    counts = {name: sum(each.values()) for name, each in spellings.items()}
    unknown = {name: events for name, events in counts.items() if name not in weights}
    if unknown and settings.unknown_event_weight > 0:
        return
    if any(
        _has_weighted_event(connection, spellings[name], weights[name], visible) for name in counts if name in weights
    ):
        return
    known = {name: events for name, events in counts.items() if name in weights}
    parts = [f"without a weight {_listed(unknown)}"] if unknown else []
    parts += [f"of weight 0 {_listed(known)}"] if known else []
    example = next(iter(unknown or known), "TYPE")
    raise BadInput(
        f"none of the {sum(counts.values()):,} interactions before {visible.as_of.isoformat()} has a weight above 0: "
        f"there is nothing to train on: {', '.join(parts)}; set a weight: "
        f"nightjar events set {shlex.quote(example)} --weight 1",
        code="no_weighted_events",
        count=sum(counts.values()),
        unknown=unknown,
        zero=known,
    )


def _spellings(connection: Connection, visible: Visible) -> dict[str, dict[str, int]]:
    """Return the events of each spelling of each type, the most frequent type first."""
    found = connection.execute(
        f"select event_type, count(*) from raw.interactions where {_VISIBLE} group by event_type",  # noqa: S608 the module's own constants
        visible.parameters,
    ).fetchall()
    spellings: dict[str, dict[str, int]] = {}
    for event_type, events in found:
        spellings.setdefault(event_weights.normal_name(event_type or ""), {})[event_type] = int(events)
    return dict(sorted(spellings.items(), key=lambda each: (-sum(each[1].values()), each[0])))


def _has_weighted_event(
    connection: Connection, spellings: Iterable[str], rows: list[EventWeight], visible: Visible
) -> bool:
    """Whether an event of a type with weights has one above 0; values are read only where they decide."""
    holds, bounds = [], []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        if row.weight == 0:
            continue
        limits = [
            (sign, limit)
            for sign, limit in ((">=", row.min_value), ("<", following and following.min_value))
            if limit is not None
        ]
        within = " and ".join(f"value {sign} ?" for sign, _ in limits) or "true"
        holds.append(f"({within})" if row.min_value is not None else f"(value is null or {within})")
        bounds += [limit for _, limit in limits]
    if not holds:
        return False
    found = connection.execute(
        f"select 1 from raw.interactions where {_VISIBLE} and event_type = any(?) and ({' or '.join(holds)}) limit 1",  # noqa: S608 the module's own constants
        [*visible.parameters, [each for each in spellings if each is not None], *bounds],
    ).fetchone()
    return found is not None


def _listed(counts: Mapping[str, int]) -> str:
    named = ", ".join(f"{name!r} ({events:,})" for name, events in list(counts.items())[:_NAMED_AT_MOST])
    more = len(counts) - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named
