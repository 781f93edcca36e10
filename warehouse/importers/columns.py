"""Which columns a file may have, which it must have, and what stands where one is missing.

Everything is derived from the contract in `warehouse.tables`; the readers of named files ask here before they read a
row. A file whose columns are wrong is refused whole, with every difference named at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.errors import BadInput
from warehouse.tables import RAW, Table

IMPORTABLE = {table.name: table for table in RAW if table.name not in ("rejected_rows", "event_weights")}

_INSTANTS = ("occurred_at", "shown_at")
_ALIASES = (
    ("user", "user_id"),
    ("item", "item_id"),
    ("event", "event_type"),
    ("rating", "value"),
    *((alias, instant) for alias in ("time", "timestamp", "ts") for instant in _INSTANTS),
)

TEXT_DEFAULTS = {"event_type": "interaction", "domain": "default", "variant": "default", "weight": "1"}
"""What an empty cell or a missing column means."""

_COMPUTED = ("event_id", "exposure_id", "ingested_at", "recorded_at")


@dataclass(frozen=True)
class ColumnMatch:
    """The columns of one file: `names` maps each name in the file to the column of the contract it stands for."""

    names: dict[str, str]
    text_defaults: dict[str, str]


def obligatory(table: Table) -> tuple[str, ...]:
    """Return the columns without which a file of this table is useless."""
    return tuple(
        column.name
        for column in table.columns
        if not column.nullable and column.name not in TEXT_DEFAULTS and column.name not in _COMPUTED
    )


def aliases(table: Table) -> dict[str, str]:
    """Return the other names under which a file may give this table's columns."""
    return {alias: column for alias, column in _ALIASES if column in table.column_names}


def match_columns(table: Table, names: Sequence[str], file: str) -> ColumnMatch:
    """Find for each column name of a file the column of the contract.

    Raises:
        BadInput: columns are missing, unknown, or given twice; the line names the file and all of them.
    """
    known = {**aliases(table), **{column: column for column in table.column_names}}
    given = [known[name] for name in names if name in known]
    faults = _listed("lacks", [column for column in obligatory(table) if column not in given])
    faults += _listed("has the unknown", list(dict.fromkeys(name for name in names if name not in known)))
    faults += _listed("gives twice the", [column for column in dict.fromkeys(given) if given.count(column) > 1])
    if faults:
        raise BadInput(
            f"{file} {' and '.join(faults)}; {table.full_name} takes {', '.join(table.column_names)}"
            " (the first line of a CSV names them)"
        )
    rated = {"event_type": "rating"} if "rating" in names else {}
    return ColumnMatch({name: known[name] for name in names}, {**TEXT_DEFAULTS, **rated})


def _listed(fault: str, columns: list[str]) -> list[str]:
    shown = ", ".join(column[:60] if column.isidentifier() else repr(column[:60]) for column in columns[:20])
    return [f"{fault} column{'s' if len(columns) > 1 else ''} {shown}"] if columns else []
