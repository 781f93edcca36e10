"""Writes checked rows into their raw tables, and the rejected ones with their reason into `raw.rejected_rows`.

Raw tables only grow. Within one file the first row of a key counts; a key that is already there is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from warehouse.errors import BadInput
from warehouse.importers.delimited import CONTENT_LENGTH
from warehouse.importers.source import Source

# Attributes without a date count as known from the start, so that a backfill of a past date sees them.
FROM_THE_START = "timestamptz '1970-01-01 00:00:00+00'"


@dataclass(frozen=True)
class ImportCount:
    """What became of the rows meant for one raw table."""

    table_name: str
    added: int
    already_there: int
    rejected: int


def load(connection: duckdb.DuckDBPyConnection, source: Source, imported_at: datetime) -> ImportCount:
    """Write a checked source into its raw table.

    Attribute rows without `recorded_at` become a new version where they differ from the latest one, at `imported_at`;
    the first version of a key is recorded from the start.
    """
    rejected = _keep_rejected(connection, source, imported_at)
    accepted = _count(connection, f"select count(*) from {source.checked} where reason is null")
    added = _insert(connection, source, imported_at)
    return ImportCount(source.table.full_name, added, accepted - added, rejected)


def require_usable(connection: duckdb.DuckDBPyConnection, source: Source, path: str) -> None:
    """Refuse a checked source without one good row.

    Raises:
        BadInput: it has no rows, or each was rejected; the line gives the first reason.
    """
    if _count(connection, f"select count(*) from {source.checked} where reason is null"):
        return
    first = connection.execute(f"select line, reason from ({_rejected(source)}) order by line limit 1").fetchone()
    if first is None:
        raise BadInput(f"{path} holds no rows")
    raise BadInput(f"{path} has no usable row; line {first[0]}: {first[1]}")


def total_by_table(counts: Sequence[ImportCount]) -> list[ImportCount]:
    """Add up the counts of each table, in the order in which the tables first occur."""
    totals: dict[str, ImportCount] = {}
    for count in counts:
        total = totals.get(count.table_name, ImportCount(count.table_name, 0, 0, 0))
        totals[count.table_name] = ImportCount(
            count.table_name,
            total.added + count.added,
            total.already_there + count.already_there,
            total.rejected + count.rejected,
        )
    return list(totals.values())


def _rejected(source: Source) -> str:
    broken = f"""select line, reason, content from {source.checked} join {source.relation} using (line)
        where reason is not null"""
    return f"{broken} union all select line, reason, content from {source.unread}" if source.unread else broken


def _keep_rejected(connection: duckdb.DuckDBPyConnection, source: Source, imported_at: datetime) -> int:
    connection.execute(
        f"""insert into raw.rejected_rows
        with rejected as (
            select line, string_agg(distinct reason, '; ' order by reason) as reason,
                left(coalesce(any_value(content), ''), {CONTENT_LENGTH}) as content
            from ({_rejected(source)}) group by line
        )
        select $table_name, $file, line, reason, content, $imported_at
        from rejected anti join raw.rejected_rows as kept
            on kept.table_name = $table_name and kept.file = $file
            and kept.line = rejected.line and kept.content = rejected.content""",
        {"table_name": source.table.name, "file": source.file, "imported_at": imported_at},
    )
    return _count(connection, f"select count(distinct line) from ({_rejected(source)})")


def _insert(connection: duckdb.DuckDBPyConnection, source: Source, imported_at: datetime) -> int:
    columns, keys = ", ".join(source.table.column_names), ", ".join(source.table.key)
    is_versioned = "recorded_at" in source.table.key
    offered = f"select line, {columns} from {source.checked} where reason is null"
    if is_versioned:
        offered = f"{offered} and recorded_at is not null union all by name {_undated_versions(source)}"
    # Only repeated keys are sorted: a file of millions of rows rarely has one.
    statement = f"""insert into {source.table.full_name}
        with offered as ({offered}),
        repeated as (select {keys} from offered group by {keys} having count(*) > 1),
        chosen as (
            select {columns} from offered anti join repeated using ({keys})
            union all
            select {columns} from (
                select distinct on ({keys}) * from offered semi join repeated using ({keys}) order by {keys}, line
            )
        )
        select {columns} from chosen anti join {source.table.full_name} using ({keys})"""
    return _count(connection, statement, {"imported_at": imported_at} if is_versioned else {})


def _undated_versions(source: Source) -> str:
    """Return SQL for the rows without `recorded_at` that say something new, each with the time of its version."""
    key = [column for column in source.table.key if column != "recorded_at"]
    said = [column for column in source.table.column_names if column not in source.table.key]
    differs = " or ".join(f"fresh.{column} is distinct from latest.{column}" for column in said)
    fresh = ", ".join(f"fresh.{column}" for column in (*key, *said))
    keys, table = ", ".join(key), source.table.full_name
    # A version must come after the one it replaces, even if that one was dated ahead of the clock.
    return f"""
        select fresh.line, {fresh}, case when latest.recorded_at is null then {FROM_THE_START}
            else greatest($imported_at, latest.recorded_at + interval 1 microsecond) end as recorded_at
        from (
            select distinct on ({keys}) * from {source.checked}
            where reason is null and recorded_at is null order by {keys}, line
        ) as fresh
        left join (select distinct on ({keys}) * from {table} order by {keys}, recorded_at desc) as latest
            using ({keys})
        where latest.recorded_at is null or {differs}"""


def _count(connection: duckdb.DuckDBPyConnection, statement: str, parameters: dict[str, object] | None = None) -> int:
    row = connection.execute(statement, parameters or {}).fetchone()
    assert row is not None, statement
    return int(row[0])
