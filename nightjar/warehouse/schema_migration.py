"""Brings the tables of an earlier version up to the contract: added columns, columns that may be null."""

from collections.abc import Callable, Sequence

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import RAW, Table
from nightjar.warehouse.protocol import Connection

_COLUMNS = "select table_schema || '.' || table_name, column_name from information_schema.columns"
_WITHOUT_NULLS = f"{_COLUMNS} where is_nullable = 'NO'"


def add_missing_columns(connection: Connection, tables: Sequence[Table], type_of: Callable[[str], str]) -> None:
    """Add the columns of the contract that the tables lack; they are null in existing rows.

    Args:
        connection: in a transaction that no other process shares.
        tables: all exist.
        type_of: the engine's name of a type of the contract.

    Raises:
        BadInput: a table with rows lacks a column that must not be null, or a raw table with rows lacks any column:
            its values would be lost. Nothing is changed.
    """
    existing = {tuple(row) for row in connection.execute(_COLUMNS).fetchall()}
    missing = [
        (table, column)
        for table in tables
        for column in table.columns
        if (table.full_name, column.name) not in existing
    ]
    for table, column in missing:
        if column.nullable and table not in RAW:
            continue
        if connection.execute(f"select 1 from {table.full_name} limit 1").fetchone():  # noqa: S608 names from the contract
            if column.nullable:
                raise BadInput(
                    f"{table.full_name} has rows but no column {column.name}: it was dropped or renamed; add it "
                    "again with its values",
                    code="missing_columns",
                    table=table.full_name,
                    columns=[column.name],
                )
            raise BadInput(
                f"{table.full_name} has rows but no column {column.name}, which every row needs: this warehouse was "
                "made by a version that this one cannot upgrade; fill a new warehouse with this version",
                code="incompatible_version",
                table=table.full_name,
                columns=[column.name],
            )
    for table, column in missing:
        connection.execute(f"alter table {table.full_name} add column {column.name} {type_of(column.type)}")
        if not column.nullable:
            connection.execute(f"alter table {table.full_name} alter column {column.name} set not null")


def allow_nulls(connection: Connection, tables: Sequence[Table]) -> None:
    """Allow nulls in columns that the contract now allows to be null; arguments as above."""
    never_null = {tuple(row) for row in connection.execute(_WITHOUT_NULLS).fetchall()}
    for table in tables:
        for column in table.columns:
            if column.nullable and (table.full_name, column.name) in never_null:
                connection.execute(f"alter table {table.full_name} alter column {column.name} drop not null")
