"""Homes whose warehouse is a database of the tests' own PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from pydantic import SecretStr

from nightjar.contract.environment import child_environment
from nightjar.contract.settings import Settings
from nightjar.warehouse.postgres.initialisation import initialise
from tests.support.postgres_server import PostgresServer

TEMPLATE = "initialised"


def settings_of(server: PostgresServer, home: Path, database: str) -> Settings:
    """Return the settings of a home whose warehouse is this database; the roles' passwords are their names."""
    return Settings(
        home=home,
        warehouse_engine="postgres",
        postgres_host=server.host,
        postgres_port=server.port,
        postgres_database=database,
        postgres_password=SecretStr("nightjar_pipeline"),
        postgres_analyst_password=SecretStr("nightjar_analyst"),
        postgres_admin_user=server.admin_user,
        postgres_admin_password=SecretStr(server.admin_password),
    )


def initialise_template(server: PostgresServer) -> None:
    """Initialise the database that the others are copied from: a copy takes a tenth of the time."""
    initialise(settings_of(server, Path("unused"), TEMPLATE))


@contextmanager
def new_database(server: PostgresServer, home: Path) -> Iterator[Settings]:
    """Give the settings of a home with an empty warehouse; drop its database at the end."""
    name = f"warehouse_{uuid4().hex}"
    with server.connect() as connection:
        connection.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    try:
        yield settings_of(server, home, name)
    finally:
        # Another session: the server may have died in between.
        with server.connect() as connection:
            connection.execute(f"drop database {name} with (force)")


def variables_of(settings: Settings) -> dict[str, str]:
    """Return the variables by which a command gets these settings, whatever the shell has set."""
    return {name: value for name, value in child_environment(settings).items() if name.startswith("NIGHTJAR_")}


@contextmanager
def session(settings: Settings, role: str, password: str | None = None) -> Iterator[psycopg.Connection]:
    """Log in to the warehouse's database as a role does that uses no code of ours; its password is its name."""
    with psycopg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        dbname=settings.postgres_database,
        user=role,
        password=password or role,
        autocommit=True,
    ) as connection:
        yield connection
