"""The embedded warehouse: one DuckDB file with one writing process at a time.

Connections are short: while one process writes, DuckDB lets no other read. A busy file is waited for. Readers have
their own file, `published.duckdb`: see `published_file`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from nightjar.contract.atomic_files import file_written_aside
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.failpoints import reached
from nightjar.contract.tables import ALL_TABLES, OUTPUTS, SNAPSHOT, STAGED, Table
from nightjar.warehouse import unpartitioned_tables
from nightjar.warehouse.duckdb import published_file
from nightjar.warehouse.duckdb.busy_file import retry_while_locked
from nightjar.warehouse.event_weights import fill_new_table
from nightjar.warehouse.protocol import Connection, ImportSession, Query, ReadersSnapshot
from nightjar.warehouse.schema_migration import add_missing_columns, allow_nulls

_HAS_WEIGHTS = "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'event_weights'"
_TYPES = {"text": "varchar", "real[]": "real[]", "timestamptz": "timestamptz"}


class DuckDBWarehouse:
    """Opens connections to one DuckDB file."""

    def __init__(self, path: Path, busy_deadline_seconds: float = 120.0) -> None:
        self.path = path
        self.busy_deadline_seconds = busy_deadline_seconds

    @property
    def address(self) -> str:
        """Where it is, as text."""
        return str(self.path)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file, waiting while another process writes to it.

        Raises:
            BadInput: there is no file to read.
            NightjarError: it stayed busy for `busy_deadline_seconds`.
        """
        if read_only and not self.path.exists():
            raise BadInput(
                f"{self.path} does not exist: import data first (nightjar import --help)",
                code="no_warehouse",
                path=self.path,
            )
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
        """Create the schemas, tables and columns that do not exist yet.

        Raises:
            BadInput: the tables are those of a version that cannot be upgraded.
        """
        with self.transaction() as connection:
            for schema in sorted({table.schema for table in ALL_TABLES}):
                connection.execute(f"create schema if not exists {schema}")
            has_weights = connection.execute(_HAS_WEIGHTS).fetchone()
            for table in ALL_TABLES:
                connection.execute(_create_statement(table))
            add_missing_columns(connection, ALL_TABLES, _type_of)
            allow_nulls(connection, ALL_TABLES)
            if not has_weights:
                fill_new_table(connection)

    def unload(self, queries: Mapping[Path, Query]) -> list[int]:
        """Write the rows of each query to its Parquet file, all of the same state; return their numbers."""
        rows = []
        with self.connect(read_only=True) as connection:
            for path, (query, parameters) in queries.items():
                with file_written_aside(path) as aside:
                    connection.sql(query, params=parameters).write_parquet(str(aside), compression="zstd")
                    counted = connection.execute("select count(*) from read_parquet(?)", [str(aside)]).fetchall()
                    rows.append(int(counted[0][0]))
        return rows

    def prepare_publication(self, connection: Connection, publication_id: str) -> None:
        """Do nothing: publications lie side by side."""

    def load(self, folders: Mapping[Table, Path], publication_id: str, data_date: date) -> list[int]:
        """Replace the publication's rows of staging tables by those of Parquet folders; return their numbers.

        Raises:
            NightjarError: a folder holds no Parquet file, or does not fit its table.
        """
        rows = []
        # Opening and closing the file takes longer than most of the tables.
        with self.transaction() as connection:
            # The commit writes the rows into the file at once; otherwise closing would. On a full disk that may fail
            # although the rows are committed: then they are staged again, which a publication could not be.
            connection.execute("set checkpoint_threshold = '1 KB'")
            for table, folder in folders.items():
                unpartitioned_tables.delete_publications(connection, table, [publication_id])
                rows.append(_insert(connection, table, folder, publication_id, data_date))
                reached("load:after_table")
        return rows

    def move_staged_rows(self, connection: Connection, publication_id: str, data_date: date) -> None:
        """Move a publication's rows from the staging to the output tables; delete the staged rows of its date."""
        for staging, output in zip(STAGED, OUTPUTS, strict=True):
            unpartitioned_tables.move_staged(connection, staging, output, publication_id, data_date)
        for table in SNAPSHOT:
            unpartitioned_tables.delete_date(connection, table, data_date)

    def delete_rows(self, connection: Connection, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Delete the rows of publications."""
        for table in tables:
            unpartitioned_tables.delete_publications(connection, table, publication_ids)

    def drop_partitions(self, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Do nothing: `delete_rows` deletes all."""

    def write_readers_snapshot(self) -> ReadersSnapshot | None:
        """Write `published.duckdb` atomically.

        Raises:
            NightjarError: the warehouse stayed busy, or the file cannot be written; the old one is as it was.
        """
        target = self.path.with_name(published_file.FILE)
        try:
            return published_file.write(
                self.path, target, lambda attach: retry_while_locked(self.path, self.busy_deadline_seconds, attach)
            )
        except (duckdb.Error, OSError) as error:
            raise NightjarError(
                f"{target} cannot be written, readers keep the earlier one: {error}",
                code="unwritable_file",
                file=target,
            ) from error

    def wait_until_writable(self) -> None:
        """Wait until a process can open the file for writing.

        Raises:
            NightjarError: it stayed busy for `busy_deadline_seconds`.
        """
        with self.connect():
            pass

    @contextmanager
    def importing(self) -> Iterator[ImportSession]:
        """Open the file for one import, which is written whole or not at all; it reads and checks there too."""
        with self.transaction() as connection:
            yield ImportSession(connection, connection, lambda name, columns: None)

    def _open(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        return retry_while_locked(
            self.path, self.busy_deadline_seconds, lambda: duckdb.connect(str(self.path), read_only=read_only)
        )


def _insert(
    connection: duckdb.DuckDBPyConnection, table: Table, folder: Path, publication_id: str, data_date: date
) -> int:
    constants = {"publication_id": publication_id, "data_date": data_date}
    given = [name for name in table.column_names if name not in constants]
    try:
        inserted = connection.execute(
            f"insert into {table.full_name} ({', '.join([*constants, *given])}) "  # noqa: S608 names from the contract
            f"select ?, ?, {', '.join(given)} from read_parquet(?)",
            [*constants.values(), str(folder / "*.parquet")],
        ).fetchone()
    except (duckdb.IOException, duckdb.DataError, duckdb.IntegrityError, duckdb.BinderException) as error:
        raise NightjarError(
            f"{folder} does not fit {table.full_name}: {error}",
            code="rows_do_not_fit",
            path=folder,
            table=table.full_name,
        ) from error
    return int(inserted[0]) if inserted else 0


def _type_of(kind: str) -> str:
    return _TYPES.get(kind, kind)


def _create_statement(table: Table) -> str:
    lines = [
        f"{column.name} {_type_of(column.type)}{'' if column.nullable else ' not null'}" for column in table.columns
    ]
    return f"create table if not exists {table.full_name} ({', '.join(lines)})"
