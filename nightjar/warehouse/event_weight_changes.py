"""Changes of `raw.event_weights` by `nightjar events`; the whole table is checked before a change is written.

A change applies to runs whose snapshot is unloaded after it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from nightjar.contract.errors import BadInput
from nightjar.warehouse import event_weights
from nightjar.warehouse.event_weights import EventWeight
from nightjar.warehouse.protocol import Connection, Warehouse, insert_row

Change = Callable[[list[EventWeight]], list[EventWeight]]


def set_one(warehouse: Warehouse, row: EventWeight, *, keeps_half_life: bool) -> EventWeight:
    """Set one row in place of the one of its type and min_value; return it.

    Args:
        warehouse: whose table is changed.
        row: the new row.
        keeps_half_life: whether to keep the half-life of the row that it replaces.

    Raises:
        BadInput: the row is not usable; nothing is changed.
    """

    def change(rows: list[EventWeight]) -> list[EventWeight]:
        nonlocal row
        for each in rows:
            if keeps_half_life and _key(each) == _key(row):
                row = EventWeight(row.event_type, row.weight, row.min_value, each.half_life_days)
        return [*(each for each in rows if _key(each) != _key(row)), row]

    event_weights.check_usable([row], "the weight")
    _write(warehouse, change)
    return row


def set_types(warehouse: Warehouse, new: Sequence[EventWeight]) -> None:
    """Replace all rows of the types that the new rows name.

    Raises:
        BadInput: a row is not usable; nothing is changed.
    """
    types = {row.event_type for row in new}
    _write(warehouse, lambda rows: [*(row for row in rows if row.event_type not in types), *new])


def remove(warehouse: Warehouse, event_type: str, min_value: float | None) -> int:
    """Remove the row of a type with a min_value, or all rows of the type where it is None; return their number.

    Raises:
        BadInput: there is no such row.
    """
    removed = 0

    def change(rows: list[EventWeight]) -> list[EventWeight]:
        nonlocal removed
        kept = [row for row in rows if row.event_type != event_type or min_value not in (None, row.min_value)]
        removed = len(rows) - len(kept)
        if not removed:
            of_value = "" if min_value is None else f" from {min_value:g} on"
            raise BadInput(
                f"event type {event_type!r} has no weight{of_value}: nightjar events lists those with one",
                code="unknown_event_type",
                event_type=event_type,
                min_value=min_value,
            )
        return kept

    _write(warehouse, change)
    return removed


def reset(warehouse: Warehouse, event_type: str | None) -> int:
    """Replace the rows of a type, or of all types, by the shipped ones; return how many rows these are.

    Raises:
        BadInput: nothing is shipped for the type.
    """
    shipped = event_weights.shipped()
    if event_type is None:
        _write(warehouse, lambda rows: shipped)
        return len(shipped)
    of_type = [row for row in shipped if row.event_type == event_type]
    if not of_type:
        raise BadInput(
            f"event type {event_type!r} has no shipped weight: set one, nightjar events set TYPE --weight W",
            code="no_shipped_weight",
            event_type=event_type,
        )
    set_types(warehouse, of_type)
    return len(of_type)


def _key(row: EventWeight) -> tuple[str, float | None]:
    return row.event_type, row.min_value


def _write(warehouse: Warehouse, change: Change) -> None:
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        before = event_weights.read(connection)
        after = change(before)
        event_weights.check_usable(after)
        _replace(connection, set(before) - set(after), set(after) - set(before))


def _replace(connection: Connection, old: set[EventWeight], new: set[EventWeight]) -> None:
    # Only what differs is written, so that readers never miss the other rows.
    for row in old:
        connection.execute(
            "delete from raw.event_weights where event_type is not distinct from ? "
            "and min_value is not distinct from cast(? as double precision)",
            [row.event_type, row.min_value],
        )
    for row in sorted(new, key=lambda each: each.event_type):
        insert_row(connection, "raw.event_weights", asdict(row))
