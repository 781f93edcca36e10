"""What every warehouse engine offers, so that the stages are written once.

SQL is one text for all engines: common SQL with the placeholders `?` (a sequence of values) or `$name` (a mapping).
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
        """How many rows the statement changed, or -1 where the engine answers with a row that says so."""

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
    """One import: files are read and checked in `scratch`, and what passed is written through `target`.

    Attributes:
        scratch: DuckDB, whatever the engine.
        target: the warehouse, in one transaction that ends with the session.
        copy_to_target: makes a temporary table of `scratch` one of `target` too, given its name and the type of the
            contract of each column; called before `target` is first used.
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
        """Where it is, for people."""

    def create_tables(self) -> None:
        """Create what does not exist yet of the contract's tables and columns; several processes may do so at once.

        A new `raw.event_weights` gets the weights that are shipped; one that is there stays as it is.

        Raises:
            BadInput: a table has rows but lacks a column that every row needs.
        """

    def connect(self, *, read_only: bool = False) -> AbstractContextManager[Connection]:
        """Open it; each statement is a transaction of its own, or, read-only, all see the same state.

        Raises:
            BadInput: there is nothing to open, or the settings do not fit it.
            NightjarError: it does not answer, or is busy for too long.
        """

    def transaction(self) -> AbstractContextManager[Connection]:
        """Open it for one short transaction that reads and writes attempts, verdicts, ledger and pointer.

        One at a time over all processes, the others wait: what it has read stays true until it commits.
        """

    def unload(self, queries: Mapping[Path, Query]) -> list[int]:
        """Write the rows of each query to its Parquet file, aside and then renamed; return their numbers.

        All queries see the same state. The files have the same types and order whatever the engine.
        """

    def prepare_publication(self, connection: Connection, publication_id: str) -> None:
        """Make place for the rows of an attempt, long before it is published; nobody sees anything of it."""

    def load(self, folders: Mapping[Table, Path], publication_id: str, data_date: date) -> list[int]:
        """Replace the publication's rows of staging tables by those of Parquet folders; return their numbers.

        Raises:
            NightjarError: a folder holds no Parquet file, or does not fit its table; those before it may stay loaded.
        """

    def move_staged_rows(self, connection: Connection, publication_id: str, data_date: date) -> None:
        """Move a publication's rows from the staging to the output tables; clear what its date had staged before."""

    def delete_rows(self, connection: Connection, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Delete the rows of publications that nobody may use any more, in the transaction that decided so.

        What would keep readers waiting is left to `drop_partitions`.
        """

    def drop_partitions(self, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Delete what `delete_rows` left, after its transaction; what is gone already is no error."""

    def importing(self) -> AbstractContextManager[ImportSession]:
        """Open it for one import, of which everything or nothing is written."""

    def write_readers_snapshot(self) -> ReadersSnapshot | None:
        """Bring up to date what readers open instead of a warehouse that they would keep from its writers.

        None where readers and writers do not wait for each other. The same call again gives the same rows.

        Raises:
            NightjarError: it cannot be written; readers keep the one before.
        """

    def wait_until_writable(self) -> None:
        """Wait until another process, such as dbt, can open it for writing.

        Raises:
            NightjarError: it was busy for too long; names who holds it.
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
