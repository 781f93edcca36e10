"""The big output tables, partitioned by publication, and the staging tables that their rows come from.

An attempt's rows are loaded into a table of their own, which then belongs to the staging table until it is dropped.
When the attempt is published they are copied, in the order of their key, into its partition of the output table. That
partition is there, empty, since the attempt began: a session that has planned its query knows only the partitions of
that time, and would find nothing in one that came together with the pointer (docs/decisions/postgres-publication.md).
"""

import re
from collections.abc import Iterable

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import PUBLICATION_ID
from nightjar.contract.tables import VECTOR, Table
from nightjar.warehouse.postgres.schema import PARTITIONS, column_definitions
from nightjar.warehouse.protocol import Connection

_NAME_END = re.compile(r"_(\d{4})_(\d\d)_(\d\d)_(\d+)$")


def add_partition(connection: Connection, output: Table, publication_id: str) -> None:
    """Give a publication its empty partition of an output table, unless it has one."""
    if publication_id in publications_in(connection, output):
        return
    name = _name(output, publication_id)
    # Left by a clean-up that died between its last two steps.
    connection.execute(f"drop table if exists {name}")
    _create(connection, output, publication_id, f", primary key ({', '.join(output.key)})")
    _attach(connection, output, publication_id)


def create_staged(connection: Connection, staging: Table, publication_id: str) -> str:
    """Create the empty table of an attempt's staged rows, not attached yet, and return its name.

    It has no key: the audit reports rows that break it.
    """
    name = _name(staging, publication_id)
    connection.execute(f"drop table if exists {name}")
    _create(connection, staging, publication_id)
    return name


def attach_staged(connection: Connection, staging: Table, publication_id: str) -> None:
    """Attach a filled table to the staging table, which the audit reads, in the transaction that filled it."""
    # The audit reads whole tables: statistics of 3,000 rows, a tenth of the default, are enough.
    connection.execute("set local default_statistics_target = 10")
    connection.execute(f"analyze {_name(staging, publication_id)}")
    _attach(connection, staging, publication_id)


def copy_staged(connection: Connection, staging: Table, output: Table, publication_id: str) -> None:
    """Copy the staged rows of a publication to its partition of the output table."""
    if publication_id not in publications_in(connection, staging):
        return
    add_partition(connection, output, publication_id)
    columns, target = ", ".join(output.column_names), _name(output, publication_id)
    # In the order of the key its index fills page by page, and the rows of one user lie on one page.
    connection.execute(
        f"insert into {target} ({columns}) select {columns} from {_name(staging, publication_id)} "  # noqa: S608 names from the contract
        f"order by {', '.join(output.key)}"
    )
    connection.execute(f"analyze {target}")


def drop_staged(connection: Connection, staging: Table, publication_ids: Iterable[str]) -> None:
    """Drop the staged rows of attempts."""
    for each in set(publication_ids).intersection(publications_in(connection, staging)):
        connection.execute(f"drop table {_name(staging, each)}")


def publications_in(connection: Connection, table: Table) -> list[str]:
    """Return the publications with a partition of a table, empty or not."""
    return [publication_id for publication_id, _ in _attached(connection, table)]


def drop_published(connection: Connection, output: Table, publication_ids: Iterable[str]) -> None:
    """Detach publications from the output table and drop them, without blocking readers.

    Each statement is its own transaction: after a process died, the next call does the rest.
    """
    expired = set(publication_ids)
    for publication_id, is_half_detached in _attached(connection, output):
        if is_half_detached or publication_id in expired:
            expired.add(publication_id)
            # The plain form would wait for every reader, and every later reader for it.
            how = "finalize" if is_half_detached else "concurrently"
            connection.execute(f"alter table {output.full_name} detach partition {_name(output, publication_id)} {how}")
    detached = connection.execute(
        "select schemaname || '.' || tablename from pg_tables "
        "join pg_class on oid = format('%I.%I', schemaname, tablename)::regclass "
        "where schemaname = ? and not relispartition",
        [PARTITIONS],
    ).fetchall()
    for name in {_name(output, each) for each in expired}.intersection(name for (name,) in detached):
        connection.execute(f"drop table if exists {name}")


def _create(connection: Connection, table: Table, publication_id: str, key: str = "") -> None:
    name = _name(table, publication_id)
    connection.execute(f"create table {name} ({column_definitions(table)}, {_check(publication_id)}{key})")
    for column in table.columns:
        if column.type == VECTOR:
            # No plan depends on its values, and `analyze` would count those of 30,000 vectors one by one.
            connection.execute(f"alter table {name} alter column {column.name} set statistics 0")


def _attach(connection: Connection, table: Table, publication_id: str) -> None:
    name = _name(table, publication_id)
    connection.execute(f"alter table {table.full_name} attach partition {name} for values in ('{publication_id}')")


def _attached(connection: Connection, table: Table) -> list[tuple[str, bool]]:
    found = connection.execute(
        "select relname, inhdetachpending from pg_inherits join pg_class on oid = inhrelid "
        "where inhparent = cast(? as regclass) order by relname",
        [table.full_name],
    ).fetchall()
    return [("{}-{}-{}.{}".format(*_NAME_END.findall(name)[0]), is_half_detached) for name, is_half_detached in found]


def _name(table: Table, publication_id: str) -> str:
    """Return schema and name of the table with one publication's rows.

    Raises:
        BadInput: the text is no publication id, so it must not become part of a statement.
    """
    if not PUBLICATION_ID.fullmatch(publication_id):
        raise BadInput(
            f"{publication_id!r} is no publication id: expected one like 2026-03-31.1",
            code="not_a_publication_id",
            value=publication_id,
        )
    schema = PARTITIONS if table.schema == "recs" else table.schema
    return f"{schema}.{table.name}_{re.sub('[-.]', '_', publication_id)}"


def _check(publication_id: str) -> str:
    # With this constraint, attaching does not read the rows.
    return f"check (publication_id = '{publication_id}')"
