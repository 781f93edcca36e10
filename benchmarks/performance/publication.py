"""Loading and publishing a run's outputs on both engines, beside their bare bulk load of the same rows.

Both sides open the database once, replace the rows of the repeat before, commit and close, on the same server or disk.
The bare load leaves all settings as they are, drops each table and fills it again, all in one transaction; it checks
nothing and takes no statistics, and for PostgreSQL its text is written before.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import psycopg

from benchmarks.performance.timing import seconds_each
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tables import STAGED, Table
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.postgres_server import PostgresServer, running_postgres
from tests.support.warehouse_homes import initialise_template, new_database

_ID, _DATE = "2026-03-31.1", date(2026, 3, 31)


def duckdb_seconds(run_folder: Path, repeats: int) -> dict[str, float]:
    """Return the seconds of a load of all outputs, of their move to the readers' tables, and of bare inserts."""
    folder = RunFolder(run_folder)
    with TemporaryDirectory() as home:
        warehouse = open_warehouse(Settings(home=Path(home)))
        warehouse.create_tables()

        def bare() -> None:
            with duckdb.connect(Path(home) / "bare.duckdb") as connection:
                connection.begin()
                for table in STAGED:
                    rows = f"select '{_ID}' as publication_id, date '{_DATE}' as data_date, * from read_parquet(?)"
                    files = [str(folder.output(table.name) / "*.parquet")]
                    connection.execute(f"create or replace table {table.name} as {rows} limit 0", files)
                    connection.execute(f"insert into {table.name} {rows}", files)
                connection.commit()

        return _seconds(warehouse, folder, bare, repeats)


def postgres_seconds(run_folder: Path, repeats: int) -> dict[str, float]:
    """The same on a PostgreSQL server of its own; bare is `copy ... from stdin` of text that was written before."""
    folder = RunFolder(run_folder)
    with TemporaryDirectory() as home, running_postgres() as server:
        initialise_template(server)
        with new_database(server, Path(home)) as settings:
            warehouse = open_warehouse(settings)
            _load(warehouse, folder)
            database = settings.postgres_database
            texts = {table: _as_text(server, database, table, Path(home) / table.name) for table in STAGED}
            return _seconds(warehouse, folder, lambda: _copy_in(server, database, texts), repeats)


def _seconds(warehouse: Warehouse, folder: RunFolder, bare: Callable[[], object], repeats: int) -> dict[str, float]:
    def move() -> None:
        with warehouse.transaction() as connection:
            warehouse.move_staged_rows(connection, _ID, _DATE)

    seconds = seconds_each({"bare": bare, "load": lambda: _load(warehouse, folder)}, repeats)
    with warehouse.transaction() as connection:
        warehouse.prepare_publication(connection, _ID)
    return seconds | seconds_each({"move": move}, 1)


def _load(warehouse: Warehouse, folder: RunFolder) -> None:
    warehouse.load({table: folder.output(table.name) for table in STAGED}, _ID, _DATE)


def _as_text(server: PostgresServer, database: str, table: Table, path: Path) -> Path:
    with (
        _opened(server, database) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"copy (select * from {table.full_name}) to stdout") as copy,
        path.open("wb") as file,
    ):
        for chunk in copy:
            file.write(chunk)
    return path


def _copy_in(server: PostgresServer, database: str, texts: dict[Table, Path]) -> None:
    with _opened(server, database) as connection, connection.cursor() as cursor:
        for table, path in texts.items():
            cursor.execute(f"drop table if exists public.{table.name}")
            cursor.execute(f"create table public.{table.name} (like {table.full_name})")
            with cursor.copy(f"copy public.{table.name} from stdin") as copy, path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    copy.write(chunk)


def _opened(server: PostgresServer, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=server.host, port=server.port, user=server.admin_user, password=server.admin_password, dbname=database
    )
