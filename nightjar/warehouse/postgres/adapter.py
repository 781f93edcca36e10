"""The warehouse in a PostgreSQL database: any number of readers and writers, one publisher at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

import pyarrow as pa
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus

from nightjar.contract.atomic_files import file_written_aside
from nightjar.contract.failpoints import failpoint
from nightjar.contract.settings import Settings
from nightjar.contract.tables import OUTPUTS, SNAPSHOT, STAGED, Table
from nightjar.warehouse import unpartitioned_tables
from nightjar.warehouse.postgres import partitions
from nightjar.warehouse.postgres.binary_copy import copy_in
from nightjar.warehouse.postgres.connection import Address, PostgresConnection, acquire_lock, opened
from nightjar.warehouse.postgres.import_session import copy_table, open_scratch
from nightjar.warehouse.postgres.parquet_batches import read_batches
from nightjar.warehouse.postgres.parquet_export import export
from nightjar.warehouse.postgres.schema import check_initialised, create_missing_tables, is_partitioned
from nightjar.warehouse.protocol import Connection, ImportSession, Query, ReadersSnapshot


class PostgresWarehouse:
    """Opens sessions on one database."""

    def __init__(self, where: Address, busy_deadline_seconds: float = 120.0) -> None:
        self.where = where
        self.busy_deadline_seconds = busy_deadline_seconds

    @classmethod
    def of(cls, settings: Settings) -> "PostgresWarehouse":
        """Return the database that the settings name, opened by the pipeline's role."""
        return cls(
            Address(
                settings.postgres_host,
                settings.postgres_port,
                settings.postgres_database,
                settings.postgres_user,
                settings.postgres_password.get_secret_value(),
            )
        )

    @property
    def address(self) -> str:
        """Where it is, as text."""
        return str(self.where)

    def create_tables(self) -> None:
        """Create the tables that do not exist yet.

        Raises:
            BadInput: the database was not initialised.
        """
        with opened(self.where) as connection, _exclusive_transaction(connection, "tables", self.busy_deadline_seconds):
            create_missing_tables(connection)

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[PostgresConnection]:
        """Open a session; read-only, all its statements see the same state.

        Raises:
            BadInput: there is no such database, it was not initialised, or it refuses the role.
            NightjarError: it does not answer.
        """
        with opened(self.where) as connection:
            check_initialised(connection)
            if not read_only:
                yield connection
                return
            session = connection.session
            session.read_only, session.isolation_level = True, IsolationLevel.REPEATABLE_READ
            with session.transaction():
                yield connection

    @contextmanager
    def transaction(self) -> Iterator[PostgresConnection]:
        """Open a transaction that excludes those of other processes; commit at the end, roll back on any error."""
        with (
            self.connect() as connection,
            _exclusive_transaction(connection, "transaction", self.busy_deadline_seconds),
        ):
            yield connection

    def unload(self, queries: Mapping[Path, Query]) -> list[int]:
        """Write the rows of each query to its Parquet file, all of the same state; return their numbers."""
        rows = []
        with self.connect(read_only=True) as connection:
            for path, query in queries.items():
                with file_written_aside(path) as aside:
                    rows.append(export(connection.session, query, aside))
        return rows

    def prepare_publication(self, connection: Connection, publication_id: str) -> None:
        """Create an attempt's partitions of the large output tables; they stay empty until it is published."""
        for table in OUTPUTS:
            if is_partitioned(table):
                partitions.add_partition(connection, table, publication_id)

    def load(self, folders: Mapping[Table, Path], publication_id: str, data_date: date) -> list[int]:
        """Replace the publication's rows of staging tables by those of Parquet folders; return their numbers.

        Raises:
            NightjarError: a folder holds no Parquet file, or does not fit its table.
        """
        rows = []
        with self.connect() as connection:
            for table, folder in folders.items():
                batches = read_batches(table, folder, {"publication_id": publication_id, "data_date": data_date})
                # A transaction for each table: replacing rows that are staged already blocks its readers.
                with _exclusive_transaction(
                    connection, f"load {table.full_name} {publication_id}", self.busy_deadline_seconds
                ):
                    rows.append(_fill(connection, table, publication_id, batches))
                failpoint("load:after_table")
        return rows

    def move_staged_rows(self, connection: Connection, publication_id: str, data_date: date) -> None:
        """Move a publication's rows from the staging to the output tables; delete the staged rows of its date."""
        pairs = list(zip(STAGED, OUTPUTS, strict=True))
        for staging, output in pairs:
            if is_partitioned(output):
                partitions.copy_staged(connection, staging, output, publication_id)
            else:
                unpartitioned_tables.move_staged(connection, staging, output, publication_id, data_date)
        # At the end, because from here on the audit of another attempt waits.
        for staging in (*STAGED, *SNAPSHOT):
            if is_partitioned(staging):
                staged = partitions.publications_in(connection, staging)
                partitions.drop_staged(connection, staging, [x for x in staged if x.startswith(f"{data_date}.")])

    def delete_rows(self, connection: Connection, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Delete the rows of publications, but leave the partitions of output tables to `drop_partitions`."""
        for table in tables:
            if not is_partitioned(table):
                unpartitioned_tables.delete_publications(connection, table, publication_ids)
            elif table in (*STAGED, *SNAPSHOT):
                partitions.drop_staged(connection, table, publication_ids)

    def drop_partitions(self, tables: Sequence[Table], publication_ids: Sequence[str]) -> None:
        """Detach and drop the partitions that `delete_rows` left; it may be repeated.

        Raises:
            NightjarError: a reader did not end in time; the next call deletes the rest.
        """
        with self.connect() as connection:
            _wait_at_most(connection, self.busy_deadline_seconds, "session")
            acquire_lock(connection, "clean-up", "session")
            for table in tables:
                if is_partitioned(table) and table in OUTPUTS:
                    partitions.drop_published(connection, table, publication_ids)

    def write_readers_snapshot(self) -> ReadersSnapshot | None:
        """Do nothing: readers do not block writers."""
        return None

    def wait_until_writable(self) -> None:
        """Do nothing: a database takes any number of writers."""

    @contextmanager
    def importing(self) -> Iterator[ImportSession]:
        """Open it for one import, which is written whole or not at all; one import writes at a time."""
        with open_scratch() as scratch, self.connect() as connection, ExitStack() as writing:

            def copy_to_target(name: str, columns: Mapping[str, str]) -> None:
                # The transaction begins after the files are read: others wait for the writing only.
                if connection.session.info.transaction_status == TransactionStatus.IDLE:
                    writing.enter_context(_exclusive_transaction(connection, "import"))
                copy_table(scratch, connection, name, columns)

            yield ImportSession(scratch, connection, copy_to_target)


def _fill(connection: PostgresConnection, table: Table, publication_id: str, batches: Iterable[pa.RecordBatch]) -> int:
    if not is_partitioned(table):
        unpartitioned_tables.delete_publications(connection, table, [publication_id])
        return copy_in(connection, table.full_name, table.column_names, batches)
    aside = partitions.create_staged(connection, table, publication_id)
    # Frozen rows need no vacuum; no other process has seen a table of this transaction.
    rows = copy_in(connection, aside, table.column_names, batches, "freeze")
    partitions.attach_staged(connection, table, publication_id)
    return rows


@contextmanager
def _exclusive_transaction(connection: PostgresConnection, what: str, deadline_seconds: float = 0) -> Iterator[None]:
    """Open a transaction that excludes others of that name; a deadline of 0 waits without limit.

    Raises:
        NightjarError: the others, or a lock that the transaction needs later, took longer.
    """
    with connection.session.transaction():
        _wait_at_most(connection, deadline_seconds, "transaction")
        acquire_lock(connection, what, "transaction")
        yield


def _wait_at_most(
    connection: PostgresConnection, seconds: float, until_end_of: Literal["transaction", "session"]
) -> None:
    """Limit the wait for locks; 0 waits without limit."""
    is_local = until_end_of == "transaction"
    connection.execute("select set_config('lock_timeout', ?, ?)", [f"{seconds * 1000:.0f}", is_local])
