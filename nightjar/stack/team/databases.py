"""The databases of Airflow and MLflow on the team's server, each owned by a role without access to the others."""

from psycopg import sql

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, variable
from nightjar.warehouse.postgres.connection import Session, opened
from nightjar.warehouse.postgres.initialisation import administrator, set_role

# Name of role and database, as in docker-compose.env, to the setting of the role's password.
_OWNED = {"airflow": "airflow_database_password", "mlflow": "mlflow_database_password"}


def create_databases(settings: Settings) -> None:
    """Create what is missing and set the passwords; a second call only sets the passwords again.

    Raises:
        BadInput: a password is missing, or the administrator is refused.
        NightjarError: the server does not answer.
    """
    passwords = {name: getattr(settings, setting).get_secret_value() for name, setting in _OWNED.items()}
    if missing := [variable(_OWNED[name]) for name, password in passwords.items() if not password]:
        raise BadInput(
            f"{' and '.join(missing)} is empty: the roles get their passwords from these settings",
            code="missing_password",
            setting=missing,
        )
    with opened(administrator(settings, "postgres")) as connection:
        server = connection.session
        # By default every role may connect to this and every other database.
        server.execute("revoke connect on database postgres from public")
        for name, password in passwords.items():
            set_role(server, name, password)
            _create_database(server, name)


def _create_database(server: Session, name: str) -> None:
    identifier = sql.Identifier(name)
    if server.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
        server.execute(sql.SQL("create database {} owner {}").format(identifier, identifier))
    server.execute(sql.SQL("revoke all on database {} from public").format(identifier))
