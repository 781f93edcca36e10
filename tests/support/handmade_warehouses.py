"""Warehouses of both engines that tests fill by hand, behind one small surface.

A statement is written once, so it must be one that both engines understand; both show what a table holds to them alone.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from nightjar.contract.tables import ALL_TABLES
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.event_weights import shipped
from tests.support.postgres_server import PostgresServer

PIPELINE, ANALYST = "nightjar_pipeline", "nightjar_analyst"
Rows = list[tuple[Any, ...]]


class HandmadeWarehouse(ABC):
    """One warehouse with the tables of the contract; `environment` leads dbt to it."""

    engine: str
    mark: str

    def __init__(self, database: str, environment: dict[str, str]) -> None:
        self.database = database
        self.environment = environment

    @abstractmethod
    def connect(self) -> Any:
        """Open a connection in a transaction that whoever opened it commits, or that is undone."""

    @abstractmethod
    def types(self, query: str) -> list[tuple[str, str]]:
        """Return name and type of each column of a query without running it."""

    def rows(self, query: str, *before: str) -> Rows:
        """Return the rows of a query after some statements, which are undone then."""
        with self.connect() as connection:
            for statement in before:
                connection.execute(statement)
            return connection.execute(query).fetchall()

    def execute(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def insert(self, table: str, rows: Sequence[Sequence[Any]], columns: Sequence[str] = ()) -> None:
        """Insert rows, given in the order of the columns, or of the table's columns."""
        names = f"({', '.join(columns)})" if columns else ""
        marks = ", ".join([self.mark] * len(rows[0]))
        with self.connect() as connection:
            self.execute_many(connection, f"insert into {table} {names} values ({marks})", rows)
            connection.commit()

    @abstractmethod
    def execute_many(self, connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once a row."""


class HandmadeDuckDB(HandmadeWarehouse):
    """One file. DuckDB calls the database after it, and dbt's manifest names it: every file has the same name."""

    engine = "duckdb"
    mark = "?"

    def __init__(self, path: Path) -> None:
        super().__init__(path.stem, {"NIGHTJAR_WAREHOUSE": str(path)})
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with DuckDBWarehouse(self.path).connect() as connection:
            yield connection.begin()

    def execute_many(self, connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        connection.executemany(statement, rows)

    def types(self, query: str) -> list[tuple[str, str]]:
        return [(name, of_type) for name, of_type, *_ in self.rows(f"describe {query}")]


class HandmadePostgres(HandmadeWarehouse):
    """One database, which the pipeline's role writes."""

    engine = "postgres"
    mark = "%s"

    def __init__(self, server: PostgresServer, database: str) -> None:
        super().__init__(
            database,
            {
                "NIGHTJAR_POSTGRES_HOST": server.host,
                "NIGHTJAR_POSTGRES_PORT": str(server.port),
                "NIGHTJAR_POSTGRES_USER": PIPELINE,
                "NIGHTJAR_POSTGRES_DATABASE": database,
                "DBT_ENV_SECRET_POSTGRES_PASSWORD": PIPELINE,
            },
        )
        self.server = server

    @contextmanager
    def connect(self, role: str = PIPELINE) -> Iterator[psycopg.Connection]:
        server = self.server
        with closing(
            psycopg.connect(host=server.host, port=server.port, user=role, password=role, dbname=self.database)
        ) as connection:
            yield connection

    def execute_many(self, connection: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        connection.cursor().executemany(statement, rows)

    def types(self, query: str) -> list[tuple[str, str]]:
        with self.connect() as connection:
            columns = connection.execute(f"select * from ({query}) as described limit 0").description
            names = (
                "select format_type(oid, null) from unnest(%s::oid[]) with ordinality as t (oid, place) order by place"
            )
            types = connection.execute(names, [[column.type_code for column in columns or []]]).fetchall()
            return [(column.name, of_type) for column, (of_type,) in zip(columns or [], types, strict=True)]


class DuckDBFiles:
    """Makes DuckDB warehouses in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    def empty(self) -> HandmadeDuckDB:
        """Make a warehouse of empty tables."""
        made = HandmadeDuckDB(self.folder / str(next(self._numbers)) / "warehouse.duckdb")
        DuckDBWarehouse(made.path).create_tables()
        return made

    def copy(self, warehouse: HandmadeDuckDB) -> HandmadeDuckDB:
        """Make a warehouse that holds what another one does."""
        copied = HandmadeDuckDB(self.folder / str(next(self._numbers)) / "warehouse.duckdb")
        copied.path.parent.mkdir()
        shutil.copy(warehouse.path, copied.path)
        return copied


class PostgresDatabases:
    """Makes PostgreSQL warehouses on one server; the roles' passwords are their names."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._numbers = count(1)
        self._empty: str | None = None

    def empty(self) -> HandmadePostgres:
        """Make a warehouse of empty tables."""
        if self._empty is None:
            self._empty = self._initialised()
        return self._made_like(self._empty)

    def copy(self, warehouse: HandmadePostgres) -> HandmadePostgres:
        """Make a warehouse that holds what another one does."""
        return self._made_like(warehouse.database)

    def _made_like(self, template: str) -> HandmadePostgres:
        name = f"handmade_{next(self._numbers)}"
        with self.server.connect() as connection:
            connection.execute(f"create database {name} template {template} strategy file_copy")
            # Nothing may depend on the time zone that a server happens to have.
            connection.execute(f"alter database {name} set timezone to 'America/New_York'")
        return HandmadePostgres(self.server, name)

    def _initialised(self) -> str:
        with self.server.connect() as connection:
            connection.execute("create database handmade_empty template template0 locale 'C' encoding 'utf8'")
            for role in (PIPELINE, ANALYST):
                # Other tests of the session make the same roles, with the same passwords.
                if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                    connection.execute(f"create role {role} login password '{role}'")
        with self.server.connect("handmade_empty") as connection:
            for schema in ("raw", "staging", "intermediate", "core", "marts", "recs", "recs_staging"):
                connection.execute(f"create schema {schema} authorization {PIPELINE}")
            connection.execute(
                f"grant usage on schema recs, marts to {ANALYST};"
                f"alter default privileges for role {PIPELINE} in schema recs, marts "
                f"grant select on tables to {ANALYST};"
                f"set role {PIPELINE}"
            )
            types = {"double": "double precision"}
            for table in ALL_TABLES:
                columns = ", ".join(
                    f"{each.name} {types.get(each.type, each.type)} {'' if each.nullable else 'not null'}"
                    for each in table.columns
                )
                connection.execute(f"create table {table.full_name} ({columns})")
            for row in shipped():
                connection.execute("insert into raw.event_weights values (%s, %s, %s, %s)", list(asdict(row).values()))
        return "handmade_empty"
