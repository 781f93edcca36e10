"""The databases of Airflow and MLflow on the team's server, each with a role that owns it and reaches no other."""

import psycopg
from psycopg import sql

from ml.stack.team.environments import AIRFLOW_DATABASE, MLFLOW_DATABASE
from warehouse.errors import BadInput
from warehouse.settings import Settings, variable

# Role and database of one name, to the setting of the role's password.
OWNED = {AIRFLOW_DATABASE: "airflow_database_password", MLFLOW_DATABASE: "mlflow_database_password"}


def create_databases(settings: Settings) -> None:
    """Create what is missing and set the passwords; a second call only sets the passwords again.

    Raises:
        BadInput: a password is missing, or the server does not let the administrator in.
    """
    passwords = {name: getattr(settings, setting).get_secret_value() for name, setting in OWNED.items()}
    if missing := [variable(OWNED[name]) for name, password in passwords.items() if not password]:
        raise BadInput(f"{' and '.join(missing)} must be set")
    with _administrator(settings) as connection:
        connection.execute("revoke connect on database postgres from public")
        for name, password in passwords.items():
            _create(connection, name, password)


def _create(connection: psycopg.Connection, name: str, password: str) -> None:
    identifier = sql.Identifier(name)
    if not _exists(connection, "pg_roles where rolname", name):
        connection.execute(sql.SQL("create role {} login").format(identifier))
    # Its hash is made here: what the server is told, it may log.
    hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("alter role {} password {}").format(identifier, sql.Literal(hashed)))
    if not _exists(connection, "pg_database where datname", name):
        connection.execute(sql.SQL("create database {} owner {}").format(identifier, identifier))
    connection.execute(sql.SQL("revoke all on database {} from public").format(identifier))


def _exists(connection: psycopg.Connection, where: str, name: str) -> bool:
    return connection.execute(f"select 1 from {where} = %s", [name]).fetchone() is not None


def _administrator(settings: Settings) -> psycopg.Connection:
    try:
        return psycopg.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            user=settings.postgres_admin_user,
            password=settings.postgres_admin_password.get_secret_value(),
            dbname="postgres",
            connect_timeout=10,
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise BadInput(
            f"{settings.postgres_admin_user} cannot log in at {settings.postgres_host}:{settings.postgres_port} "
            f"(NIGHTJAR_POSTGRES_ADMIN_PASSWORD): {error}"
        ) from error
