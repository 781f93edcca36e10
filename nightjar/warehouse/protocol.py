"""The interface of every warehouse engine.

All engines run the same SQL text, with the placeholders `?` (a sequence of values) or `$name` (a mapping).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import duckdb

from nightjar.contract.tables import Table

Parameters = Sequence[Any] | Mapping[str, Any]
Query = tuple[str, Parameters]


class Result(Protocol):
    """The answer to one statement."""

    @property
    def description(self) -> Sequence[Any] | None:
        """One entry a column; its first element is the name."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed; -1 where the engine returns that number as a row."""

    def fetchone(self) -> Any:
        """Return the next row as a tuple, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left, as tuples."""


class Connection(Protocol):
    """Runs statements; times are UTC."""

    def execute(self, query: str, parameters: Parameters | None = None, /) -> Result:
        """Run one statement."""


@dataclass(frozen=True)
class ImportSession:
    """One import: files are read and checked in `scratch`, and accepted rows are written through `target`.

    Attributes:
        scratch: DuckDB, whatever the engine.
        target: the warehouse, in one transaction that ends with the session.
        copy_to_target: copies a temporary table of `scratch` to `target`, by its name and the contract's type of each
            column; called before `target` is first used.
    """

    scratch: duckdb.DuckDBPyConnection
    target: Connection
    copy_to_target: Callable[[str, Mapping[str, str]], None]


@dataclass(frozen=True)
class ReadersSnapshot:
    """A file for readers: its path, its size, and the names of the views that it cannot answer."""

    path: Path
    size_bytes: int
    views_left_out: tuple[str, ...]


class Warehouse(Protocol):
    """One warehouse."""

    @property
    def address(self) -> str:
        """Where it is, as text."""

    def create_tables(self) -> None:
        """Create what does not exist yet of the contract's tables and columns; several processes may do so at once.

        A new `raw.event_weights` gets the shipped weights; an existing one is not changed.

        Raises:
            BadInput: a table has rows but lacks a column that every row needs.
        """

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[Connection]:
        """Open a connection; each statement is its own transaction, or read-only, all see the same state.

        Raises:
            BadInput: there is no warehouse, or the settings do not fit it.
            NightjarError: it does not answer, or is busy for too long.
        """

    def transaction(self) -> AbstractContextManager[Connection]:
        """Open a short transaction that reads and writes attempts, verdicts, ledger and pointer.

        Only one runs at a time over all processes: what it has read stays true until it commits.
        """

    def unload(self, queries: Mapping[Path, Query]) -> list[int]:
        """Write the rows of each query to its Parquet file, atomically; return their numbers.

        All queries see the same state. The files have the same types and order whatever the engine.
        """

    def prepare_publication(self, connection: Connection, publication_id: str) -> None:
        """Prepare tables for the rows of an attempt before it is published; readers do not see them."""

    def load(self, folders: Mapping[Table, Path], publication_id: str, data_date: date) -> list[int]:
        """Replace the publication's rows of staging tables by those of Parquet folders; return their numbers.

        Raises:
            NightjarError: a folder holds no Parquet file, or does not fit its table; those before it may stay loaded.
        """

    def move_staged_rows(self, connection: Connection, publication_id: str, data_date: date) -> None:
        """Move a publication's rows from the staging to the output tables; delete the staged rows of its date."""

    def delete_rows(self, connection: Connection, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Delete the rows of expired publications, in the transaction that decided it.

        Deletions that would block readers are left to `drop_partitions`.
        """

    def drop_partitions(self, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Delete what `delete_rows` left, after its transaction; it may be repeated."""

    def importing(self) -> AbstractContextManager[ImportSession]:
        """Open it for one import, which is written whole or not at all."""

    def write_readers_snapshot(self) -> ReadersSnapshot | None:
        """Bring the file up to date that readers open instead of the warehouse, which they would block for writers.

        Returns None where readers and writers do not block each other. It may be repeated.

        Raises:
            NightjarError: it cannot be written; readers keep the earlier one.
        """

    def wait_until_writable(self) -> None:
        """Wait until another process, such as dbt, can open it for writing.

        Raises:
            NightjarError: it was busy for too long; names the process that holds it.
        """


def changed_rows(result: Result) -> int:
    """Return how many rows a statement inserted, changed or deleted."""
    return result.rowcount if result.rowcount >= 0 else int(result.fetchall()[0][0])


def insert_row(connection: Connection, table: str, row: Mapping[str, Any]) -> None:
    """Insert one row, given by column name, into the table `schema.name`."""
    connection.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})",  # noqa: S608 keys of rows in this project
        list(row.values()),
    )


def fetch_row(connection: Connection, query: str, parameters: Parameters) -> dict[str, Any] | None:
    """Return the first row of a query by column name, or nothing where there is none."""
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description or []]
    row = found.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def has_column(connection: Connection, table: str, column: str) -> bool:
    """Return whether a table `schema.name` exists and has a column: a warehouse of an earlier version may lack it."""
    schema, name = table.split(".")
    found = connection.execute(
        "select 1 from information_schema.columns where table_schema = ? and table_name = ? and column_name = ?",
        [schema, name, column],
    )
    return found.fetchone() is not None
