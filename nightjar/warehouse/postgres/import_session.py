"""Imports into PostgreSQL: DuckDB reads and checks the files, and its tables are copied to the server."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from nightjar.contract.arrow_types import ARROW_TYPES
from nightjar.warehouse.postgres.binary_copy import copy_in
from nightjar.warehouse.postgres.connection import PostgresConnection
from nightjar.warehouse.postgres.parquet_batches import BATCH_ROWS
from nightjar.warehouse.postgres.schema import type_of


@contextmanager
def open_scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB in memory, with a temporary folder for what does not fit."""
    with (
        tempfile.TemporaryDirectory(prefix="nightjar-import-") as folder,
        duckdb.connect(config={"temp_directory": folder}) as scratch,
    ):
        scratch.execute("set timezone = 'UTC'")
        yield scratch


def copy_table(
    scratch: duckdb.DuckDBPyConnection, target: PostgresConnection, name: str, columns: Mapping[str, str]
) -> None:
    """Copy a table of `scratch` to a temporary table of the open transaction of `target`."""
    definitions = ", ".join(f"{column} {type_of(kind)}" for column, kind in columns.items())
    target.execute(f"create temporary table {name} ({definitions}) on commit drop")
    contract = pa.schema([(column, ARROW_TYPES[kind]) for column, kind in columns.items()])
    read = scratch.sql(f"select {', '.join(columns)} from {name}").to_arrow_reader(BATCH_ROWS)  # noqa: S608 names from the contract
    copy_in(target, name, list(columns), (batch.cast(contract) for batch in read))
    # Without it the planner assumes a small table.
    target.execute(f"analyze {name}")
