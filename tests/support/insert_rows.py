"""Rows that tests lay into tables by hand, on every engine."""

from collections.abc import Mapping
from typing import Any

from nightjar.contract.tables import OUTPUTS, table
from nightjar.warehouse.postgres import partitions
from nightjar.warehouse.postgres.connection import PostgresConnection
from nightjar.warehouse.postgres.schema import is_partitioned
from nightjar.warehouse.protocol import Connection, insert_row


def lay_row(connection: Connection, full_name: str, row: Mapping[str, Any]) -> None:
    """Insert one row; where each publication is a table of its own, that table is made for the first row."""
    if isinstance(connection, PostgresConnection) and is_partitioned(table(full_name)):
        _make_place(connection, full_name, row["publication_id"])
    insert_row(connection, full_name, row)


def _make_place(connection: PostgresConnection, full_name: str, publication_id: str) -> None:
    wanted = table(full_name)
    if wanted in OUTPUTS:
        partitions.add_partition(connection, wanted, publication_id)
    elif publication_id not in partitions.publications_in(connection, wanted):
        partitions.create_staged(connection, wanted, publication_id)
        partitions.attach_staged(connection, wanted, publication_id)


def run_script(connection: Connection, script: str) -> None:
    """Run statements that end with a semicolon and their line, after making the schemas that dbt would make."""
    if not isinstance(connection, PostgresConnection):
        for schema in ("intermediate", "core", "marts"):
            connection.execute(f"create schema if not exists {schema}")
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
