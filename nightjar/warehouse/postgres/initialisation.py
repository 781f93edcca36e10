"""Makes a database of a PostgreSQL server a warehouse: the database, two roles, schemas and their rights.

The pipeline's role owns the schemas. Analysts read `recs` and `marts`, whatever is created there later, and nothing
else. PUBLIC, everybody else with a login on the server, gets nothing.
"""

from psycopg import sql

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, variable
from nightjar.warehouse.postgres.adapter import PostgresWarehouse
from nightjar.warehouse.postgres.connection import Address, Session, opened
from nightjar.warehouse.postgres.schema import SCHEMAS

ANALYST = "nightjar_analyst"
READ_BY_ANALYSTS = ("recs", "marts")
_OLDEST_SERVER = 170_000
# Locales of the operating system that sort by bytes; the server's own ones all do.
_SORT_BY_BYTES = ("C", "C.UTF-8", "C.utf8", "POSIX")


def initialise(settings: Settings) -> str:
    """Create what is missing, set rights and passwords, and return the warehouse's address; it may be repeated.

    Raises:
        BadInput: a password is missing, the administrator is refused or may not do it, or a database of that name
            cannot be the warehouse.
    """
    _check_passwords(settings)
    with opened(administrator(settings, "postgres")) as connection:
        server = connection.session
        if server.info.server_version < _OLDEST_SERVER:
            raise BadInput(
                f"the server is PostgreSQL {server.info.server_version // 10_000}: 17 or newer is needed",
                code="unsupported_version",
                value=server.info.server_version // 10_000,
                expected=_OLDEST_SERVER // 10_000,
            )
        pipeline = settings.postgres_user
        set_role(server, pipeline, settings.postgres_password.get_secret_value())
        set_role(server, ANALYST, settings.postgres_analyst_password.get_secret_value())
        _create_database(server, settings.postgres_database)
    with opened(administrator(settings, settings.postgres_database)) as connection, connection.session.transaction():
        _grant(connection.session, settings.postgres_database, pipeline)
    warehouse = PostgresWarehouse.of(settings)
    warehouse.create_tables()
    return warehouse.address


def administrator(settings: Settings, database: str) -> Address:
    """Return how the administrator opens a database of the server."""
    return Address(
        settings.postgres_host,
        settings.postgres_port,
        database,
        settings.postgres_admin_user,
        settings.postgres_admin_password.get_secret_value(),
        setting="NIGHTJAR_POSTGRES_ADMIN",
    )


def set_role(server: Session, role: str, password: str) -> None:
    """Create a role that logs in, unless it is there, and set its password."""
    found = server.execute("select rolcanlogin from pg_roles where rolname = %s", [role]).fetchone()
    if found is None:
        _run(server, "create role {} login", role)
    # Only the verifier leaves this process, so that no log of the server can hold the password.
    verifier = server.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    server.execute(sql.SQL("alter role {} login password {}").format(sql.Identifier(role), sql.Literal(verifier)))


def _check_passwords(settings: Settings) -> None:
    names = ("postgres_password", "postgres_analyst_password")
    lacking = [variable(name) for name in names if not getattr(settings, name).get_secret_value()]
    if lacking:
        raise BadInput(
            f"{' and '.join(lacking)} is empty: the roles get their passwords from these settings",
            code="missing_password",
            settings=lacking,
        )
    if settings.postgres_user == ANALYST:
        raise BadInput(
            f"NIGHTJAR_POSTGRES_USER={ANALYST!r}: analysts only read, the pipeline needs a role of its own",
            code="role_of_analysts",
            setting="NIGHTJAR_POSTGRES_USER",
            value=ANALYST,
        )


def _create_database(server: Session, database: str) -> None:
    found = server.execute(
        "select pg_encoding_to_char(encoding), coalesce(datlocale, datcollate), datlocprovider = 'b' "
        "from pg_database where datname = %s",
        [database],
    ).fetchone()
    if found is None:
        # Texts sort by their bytes, as DuckDB, Arrow and Spark sort them; letters are those of Unicode.
        _run(
            server,
            "create database {} template template0 encoding 'UTF8' "
            "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'",
            database,
        )
    elif found[0] != "UTF8" or not (found[2] or found[1] in _SORT_BY_BYTES):
        raise BadInput(
            f"database {database} (NIGHTJAR_POSTGRES_DATABASE) is of encoding {found[0]} and sorts by {found[1]}: "
            "the warehouse needs UTF8 and C.UTF-8; name a database that does not exist yet, and init creates it",
            code="wrong_encoding",
            setting="NIGHTJAR_POSTGRES_DATABASE",
            value=database,
            encoding=found[0],
            locale=found[1],
        )


def _grant(server: Session, database: str, pipeline: str) -> None:
    _run(server, "revoke all on database {} from public", database)
    _run(server, "revoke all on schema public from public")
    _run(server, "grant connect, temporary on database {} to {}", database, pipeline)
    _run(server, "grant connect on database {} to {}", database, ANALYST)
    _run(server, "alter role {} in database {} set default_transaction_read_only = on", ANALYST, database)
    # Who is no superuser creates a schema for a role only as its member.
    may_act = server.execute("select pg_has_role(current_user, %s, 'set')", [pipeline]).fetchone()
    if may_act != (True,):
        _run(server, "grant {} to current_user with set true", pipeline)
    for schema in SCHEMAS:
        _run(server, "create schema if not exists {} authorization {}", schema, pipeline)
    _run(server, "set local role {}", pipeline)
    for schema in READ_BY_ANALYSTS:
        _run(server, "grant usage on schema {} to {}", schema, ANALYST)
        _run(server, "grant select on all tables in schema {} to {}", schema, ANALYST)
        _run(server, "alter default privileges in schema {} grant select on tables to {}", schema, ANALYST)


def _run(server: Session, statement: str, *names: str) -> None:
    server.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
