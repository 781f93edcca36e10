"""The big output tables: each publication's rows are a table of their own, a partition.

It is filled aside, belongs to the staging table while it is audited, and is moved as it is to the output table when it
is published. No row is copied, and no reader waits: only the commit shows it.
"""

import re
from collections.abc import Sequence
from datetime import date

from psycopg import errors

from warehouse.adapters.postgres.connection import PostgresConnection
from warehouse.adapters.postgres.schema import PARTITIONS, column_definitions
from warehouse.adapters.protocol import Connection
from warehouse.errors import BadInput
from warehouse.tables import Table

_PUBLICATION_ID = re.compile(r"\d{4}-\d\d-\d\d\.\d+")
_NAME_END = re.compile(r"_(\d{4})_(\d\d)_(\d\d)_(\d+)$")


def partition_name(table: Table, publication_id: str) -> str:
    """Return the name of the table with one publication's rows, without schema.

    Raises:
        BadInput: the text is no publication id, so that it cannot become a part of a statement.
    """
    if not _PUBLICATION_ID.fullmatch(publication_id):
        raise BadInput(f"{publication_id!r} is no publication id: expected one like 2026-03-31.1")
    return f"{table.name}_{re.sub('[-.]', '_', publication_id)}"


def create_aside(connection: Connection, staging: Table, publication_id: str) -> str:
    """Create the empty table of one publication, which belongs to nothing yet; replace what an earlier try left."""
    name = f"{staging.schema}.{partition_name(staging, publication_id)}"
    connection.execute(f"drop table if exists {name}")
    # Attaching it believes the check and does not read the rows again.
    check = f"check (publication_id = '{publication_id}')"
    connection.execute(f"create table {name} ({column_definitions(staging)}, {check})")
    return name


def attach_staged(connection: PostgresConnection, staging: Table, publication_id: str) -> None:
    """Index a filled table and let the audit read it as a part of the staging table."""
    name = f"{staging.schema}.{partition_name(staging, publication_id)}"
    try:
        with connection.session.transaction():
            connection.execute(f"alter table {name} add primary key ({', '.join(staging.key)})")
    except errors.UniqueViolation:
        # The audit finds the rows whose key is not theirs alone, names them, and refuses the attempt.
        pass
    connection.execute(f"analyze {name}")
    connection.execute(f"alter table {staging.full_name} attach partition {name} for values in ('{publication_id}')")


def move_staged(connection: Connection, staging: Table, output: Table, publication_id: str, data_date: date) -> None:
    """Move a publication's rows to the output table; drop what else its date had staged."""
    for each in publications_in(connection, staging):
        name = partition_name(staging, each)
        if each == publication_id:
            connection.execute(f"alter table {staging.full_name} detach partition {staging.schema}.{name}")
            connection.execute(f"alter table {staging.schema}.{name} set schema {PARTITIONS}")
            connection.execute(
                f"alter table {output.full_name} attach partition {PARTITIONS}.{name} for values in ('{each}')"
            )
        elif each.startswith(f"{data_date}."):
            connection.execute(f"drop table {staging.schema}.{name}")


def drop_staged(connection: Connection, staging: Table, publication_ids: Sequence[str]) -> None:
    """Drop what publications have staged."""
    for each in set(publication_ids).intersection(publications_in(connection, staging)):
        connection.execute(f"drop table {staging.schema}.{partition_name(staging, each)}")


def publications_in(connection: Connection, table: Table) -> list[str]:
    """Return the publications that are a part of a table."""
    return [publication_id for publication_id, _ in _attached(connection, table)]


def drop_published(connection: Connection, output: Table, publication_ids: Sequence[str]) -> None:
    """Take publications out of the output table and drop them, without keeping readers waiting.

    Each statement is a transaction of its own: whatever was done when the process dies, the next call does the rest.
    """
    going = set(publication_ids)
    for publication_id, is_half_detached in _attached(connection, output):
        if is_half_detached or publication_id in going:
            going.add(publication_id)
            # The plain form would wait for every reader, and every later reader for it.
            how = "finalize" if is_half_detached else "concurrently"
            name = f"{PARTITIONS}.{partition_name(output, publication_id)}"
            connection.execute(f"alter table {output.full_name} detach partition {name} {how}")
    detached = connection.execute(
        "select tablename from pg_tables join pg_class on oid = format('%I.%I', schemaname, tablename)::regclass "
        "where schemaname = ? and not relispartition",
        [PARTITIONS],
    ).fetchall()
    for name in {partition_name(output, each) for each in going}.intersection(name for (name,) in detached):
        connection.execute(f"drop table if exists {PARTITIONS}.{name}")


def _attached(connection: Connection, table: Table) -> list[tuple[str, bool]]:
    found = connection.execute(
        "select relname, inhdetachpending from pg_inherits join pg_class on oid = inhrelid "
        "where inhparent = cast(? as regclass) order by relname",
        [table.full_name],
    ).fetchall()
    return [("{}-{}-{}.{}".format(*_NAME_END.findall(name)[0]), is_half_detached) for name, is_half_detached in found]
