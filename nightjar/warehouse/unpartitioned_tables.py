"""Statements on tables that hold all publications without partitions; the same for every engine."""

from collections.abc import Sequence
from datetime import date

from nightjar.contract.tables import Table
from nightjar.warehouse.protocol import Connection


def move_staged(connection: Connection, staging: Table, output: Table, publication_id: str, data_date: date) -> None:
    """Copy a publication's rows from the staging to the output table and delete the staged rows of its date."""
    columns = ", ".join(output.column_names)
    connection.execute(
        f"insert into {output.full_name} ({columns}) select {columns} from {staging.full_name} "  # noqa: S608 names from tables.py
        "where publication_id = ?",
        [publication_id],
    )
    delete_date(connection, staging, data_date)


def delete_date(connection: Connection, staging: Table, data_date: date) -> None:
    """Delete the staged rows of a date."""
    connection.execute(f"delete from {staging.full_name} where data_date = ?", [data_date])  # noqa: S608 names from the contract


def delete_publications(connection: Connection, table: Table, publication_ids: Sequence[str]) -> None:
    """Delete the rows of publications."""
    connection.execute(f"delete from {table.full_name} where publication_id = any(?)", [list(publication_ids)])  # noqa: S608 names from tables.py
