"""The embedded warehouse: one DuckDB file with one writing process at a time.

Connections are short, because DuckDB lets one process write and no other look meanwhile: a busy file is waited for.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import BadInput, NightjarError
from warehouse.tables import ALL_TABLES, Table

_TYPES = {"text": "varchar", "real[]": "real[]", "timestamptz": "timestamptz"}


class DuckDBWarehouse:
    """Opens connections to one DuckDB file."""

    def __init__(self, path: Path, busy_deadline_seconds: float = 120.0) -> None:
        self.path = path
        self.busy_deadline_seconds = busy_deadline_seconds

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file, waiting while another process writes to it.

        Raises:
            BadInput: there is no file to read.
            NightjarError: it stayed busy for `busy_deadline_seconds`.
        """
        if read_only and not self.path.exists():
            raise BadInput(f"{self.path} does not exist: import data first (nightjar import --help)")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._open(read_only)
        try:
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file for writing; commit at the end, roll back on any error."""
        with self.connect() as connection:
            connection.begin()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def create_tables(self) -> None:
        """Create the schemas and tables that do not exist yet."""
        with self.transaction() as connection:
            for schema in sorted({table.schema for table in ALL_TABLES}):
                connection.execute(f"create schema if not exists {schema}")
            for table in ALL_TABLES:
                connection.execute(_create_statement(table))

    def unload(self, query: str, parameters: dict[str, Any], path: Path) -> int:
        """Write the rows of a query to one Parquet file, aside and then renamed; return their number."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.aside")
        with self.connect(read_only=True) as connection:
            connection.sql(query, params=parameters).write_parquet(str(aside), compression="zstd")
            counted = connection.execute("select count(*) from read_parquet(?)", [str(aside)]).fetchone()
        aside.replace(path)
        return int(counted[0]) if counted else 0

    def load(self, table: Table, folder: Path, constants: dict[str, Any]) -> int:
        """Replace the rows of `table` that carry `constants` by those of a Parquet folder; return their number.

        Raises:
            NightjarError: the folder holds no Parquet file, or lacks a column of the table.
        """
        given = [name for name in table.column_names if name not in constants]
        where = " and ".join(f"{name} = ?" for name in constants)
        with self.transaction() as connection:
            connection.execute(f"delete from {table.full_name} where {where}", list(constants.values()))
            try:
                inserted = connection.execute(
                    f"insert into {table.full_name} ({', '.join([*constants, *given])}) "
                    f"select {', '.join(['?'] * len(constants))}, {', '.join(given)} from read_parquet(?)",
                    [*constants.values(), str(folder / "*.parquet")],
                ).fetchone()
            except (duckdb.IOException, duckdb.BinderException, duckdb.ConversionException) as error:
                raise NightjarError(f"{folder} does not fit {table.full_name}: {error}") from error
        return int(inserted[0]) if inserted else 0

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.busy_deadline_seconds
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only)
            except duckdb.IOException as error:
                if "lock" not in str(error).lower():
                    raise NightjarError(f"{self.path} cannot be opened: {error}") from error
                if time.monotonic() > deadline:
                    raise NightjarError(
                        f"{self.path} was busy for {self.busy_deadline_seconds:.0f} s: {error}"
                    ) from error
                time.sleep(0.1)


def insert_row(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    """Insert one row, given by column name, into the table `schema.name`."""
    connection.execute(
        f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())
    )


def fetch_row(connection: duckdb.DuckDBPyConnection, query: str, parameters: list[object]) -> dict[str, Any] | None:
    """Return the first row of a query by column name, or nothing where there is none."""
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description or []]
    row = found.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def _create_statement(table: Table) -> str:
    lines = [
        f"{column.name} {_TYPES.get(column.type, column.type)}{'' if column.nullable else ' not null'}"
        for column in table.columns
    ]
    return f"create table if not exists {table.full_name} ({', '.join(lines)})"
