"""Connections to PostgreSQL: opening, running SQL, and errors in one readable line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.warehouse.postgres.placeholders import translated
from nightjar.warehouse.protocol import Parameters

Session = psycopg.Connection[TupleRow]

_INITIALISE = "run nightjar warehouse init"
# A refused connection has no error code: pattern of its message, our code, our message.
_REFUSALS = (
    (r"password authentication failed", "wrong_password", "refuses the password of {user}: set {setting}_PASSWORD"),
    (r"no password supplied", "missing_password", "wants a password of {user}: set {setting}_PASSWORD"),
    (
        r"database .* does not exist",
        "unknown_database",
        "has no database {database} (NIGHTJAR_POSTGRES_DATABASE): " + _INITIALISE,
    ),
    (r"role .* does not exist", "unknown_role", "has no role {user} ({setting}_USER): " + _INITIALISE),
    (
        r"permission denied for database",
        "permission_denied",
        "lets {user} ({setting}_USER) not into the database {database}: " + _INITIALISE,
    ),
)


@dataclass(frozen=True)
class Address:
    """Where a database is, and which role opens it; `setting` is the prefix of the settings of the role."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    setting: str = "NIGHTJAR_POSTGRES"

    def __str__(self) -> str:
        return f"PostgreSQL database {self.database} at {self.host}:{self.port}"

    @property
    def fields(self) -> dict[str, object]:
        """Fields of its errors, without the password."""
        return {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "user": self.user,
            "setting": self.setting,
        }


class PostgresConnection:
    """Runs the project's SQL on one session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def execute(self, query: str, parameters: Parameters | None = None, /) -> psycopg.Cursor[TupleRow]:
        """Run one statement; `?` and `$name` stand for its parameters."""
        # Binary, because a `real` is read as text with fewer digits than it has.
        cursor = self.session.cursor(binary=True)
        if not parameters:
            return cursor.execute(query.encode())
        return cursor.execute(translated(query).encode(), parameters)


@contextmanager
def opened(address: Address) -> Iterator[PostgresConnection]:
    """Connect, each statement its own transaction; close at the end.

    Raises:
        BadInput: the database refuses; names the setting, or what to run.
        NightjarError: it does not answer, or the connection was lost.
    """
    with readable_errors(address), _connect(address) as session:
        yield PostgresConnection(session)


def acquire_lock(connection: PostgresConnection, what: str, until_end_of: Literal["transaction", "session"]) -> None:
    """Wait until no other process holds the lock of that name in this database, and take it."""
    function = {"transaction": "pg_advisory_xact_lock", "session": "pg_advisory_lock"}[until_end_of]
    connection.execute(f"select {function}(hashtextextended(?, 0))", [f"nightjar {what}"])


@contextmanager
def readable_errors(address: Address) -> Iterator[None]:
    """Turn errors of the server into one line that names what to do."""
    try:
        yield
    except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
        message = f"{address}: {_reason(error)}; was it initialised, and has dbt run? {_INITIALISE}"
        raise BadInput(message, code="not_initialised", **address.fields) from error
    except errors.InsufficientPrivilege as error:
        message = f"{address}: {_reason(error)} for {address.user} ({address.setting}_USER)"
        raise BadInput(message, code="permission_denied", **address.fields) from error
    except errors.ReadOnlySqlTransaction as error:
        message = f"{address}: {address.user} ({address.setting}_USER) may only read"
        raise BadInput(message, code="permission_denied", **address.fields) from error
    except errors.LockNotAvailable as error:
        message = f"{address} was busy for too long: {_reason(error)}"
        raise NightjarError(message, code="warehouse_busy", **address.fields) from error
    except psycopg.OperationalError as error:
        raise NightjarError(f"{address}: {_reason(error)}", code="connection_lost", **address.fields) from error


def _connect(address: Address) -> Session:
    try:
        return psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=address.database,
            user=address.user,
            # Without one, libpq looks in ~/.pgpass.
            password=address.password or None,
            autocommit=True,
            # A server behind a pooler keeps no prepared statement for the next transaction.
            prepare_threshold=None,
            connect_timeout=10,
            application_name="nightjar",
            options="-c timezone=UTC",
        )
    except psycopg.OperationalError as error:
        reason = _reason(error)
        server = f"PostgreSQL at {address.host}:{address.port}"
        for words, code, meaning in _REFUSALS:
            if re.search(words, reason):
                raise BadInput(f"{server} {meaning.format_map(vars(address))}", code=code, **address.fields) from error
        settings = "NIGHTJAR_POSTGRES_HOST, NIGHTJAR_POSTGRES_PORT"
        message = f"{server} ({settings}) does not answer: {reason}"
        raise NightjarError(message, code="server_unreachable", **address.fields) from error


def _reason(error: psycopg.Error) -> str:
    """Return the first line of an error: the ones after it may hold values of rows."""
    return error.diag.message_primary or str(error).strip().splitlines()[0].removeprefix("connection failed: ")
