"""Writes checked rows into their raw tables, and the rejected ones with their reason into `raw.rejected_rows`.

Raw tables only grow. Within one file the first row of a key is kept; a key that exists already is left alone. What
depends on the files alone runs where they were read; the rest is common SQL in the warehouse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import BIGINT, TEXT
from nightjar.importers.files.text_format import CONTENT_LENGTH
from nightjar.importers.import_source import LINES_OF_A_FILE, ImportSource
from nightjar.warehouse.protocol import Connection, ImportSession, changed_rows

# Attributes without a date are valid from the start, so that a backfill of a past date sees them.
FROM_THE_START = "timestamptz '1970-01-01 00:00:00+00'"
# PostgreSQL accepts no such character in a text.
_NUL = "'\\0'"


@dataclass(frozen=True)
class ImportCount:
    """Counts of the rows of an import for one raw table.

    Attributes:
        table_name: With its schema.
        added: Rows that are new there.
        already_there: Rows whose key, or for attributes without a date whose content, is there already.
        rejected: Rows that break a rule.
        repeated: Of those already there, how many repeat the key of another row of the same import.
    """

    table_name: str
    added: int
    already_there: int
    rejected: int
    repeated: int = 0


def load(session: ImportSession, source: ImportSource, imported_at: datetime) -> ImportCount:
    """Write a checked source into its raw table.

    Attribute rows without `recorded_at` become a new version where they differ from the latest one, at `imported_at`;
    the first version of a key is recorded from the start.
    """
    rejected = _keep_rejected(session, source, imported_at)
    accepted = _count(session.scratch, f"select count(*) from {source.checked} where reason is null")
    repeated = _set_repeated_aside(session, source)
    added = _insert(session, source, imported_at)
    return ImportCount(source.table.full_name, added, accepted - added, rejected, repeated)


def require_usable(connection: duckdb.DuckDBPyConnection, source: ImportSource, paths: Sequence[str]) -> None:
    """Refuse a checked source without one good row.

    Args:
        connection: Where the source was checked.
        source: Its rows must be checked.
        paths: Of its files, in their order, for the error.

    Raises:
        BadInput: it has no rows, or each was rejected; the line gives the first reason.
    """
    if _count(connection, f"select count(*) from {source.checked} where reason is null"):
        return
    first = connection.execute(f"select line, reason from ({rejected_rows(source)}) order by line limit 1").fetchone()
    if first is None:
        raise BadInput(f"{_listed(paths)} holds no rows", code="no_rows", file=paths[0], count=len(paths))
    path, line = paths[first[0] // LINES_OF_A_FILE], first[0] % LINES_OF_A_FILE
    raise BadInput(
        f"{path} has no usable row; line {line}: {first[1]}",
        code="no_usable_rows",
        file=path,
        line=line,
        reason=first[1],
    )


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
            total.repeated + count.repeated,
        )
    return list(totals.values())


def _listed(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"each of {len(paths)} files, from {paths[0]} on,"


def rejected_rows(source: ImportSource) -> str:
    """Return SQL for the rows of a checked source that are rejected: line, reason, content."""
    # A line of JSON may be many rows: their reasons are joined.
    broken = f"""select line, reason, content from (
            select line, string_agg(distinct reason, '; ' order by reason) as reason
            from {source.checked} where reason is not null group by line
        ) join {source.relation} using (line)"""
    return f"{broken} union all select line, reason, content from {source.unread}" if source.unread else broken


def _keep_rejected(session: ImportSession, source: ImportSource, imported_at: datetime) -> int:
    rejected = f"rejected_{source.name}"
    session.scratch.execute(
        f"""create temp table {rejected} as
        select $files[1 + (place >> {LINES_OF_A_FILE.bit_length() - 1})] as file,
            place % {LINES_OF_A_FILE} as line, reason, content
        from (
            select line as place, string_agg(distinct reason, '; ' order by reason) as reason,
                left(replace(coalesce(any_value(content), ''), chr(0), {_NUL}), {CONTENT_LENGTH}) as content
            from ({rejected_rows(source)}) group by line
        )""",
        {"files": list(source.files)},
    )
    session.copy_to_target(rejected, {"file": TEXT, "line": BIGINT, "reason": TEXT, "content": TEXT})
    session.target.execute(
        f"""insert into raw.rejected_rows
        select $table_name, rejected.file, rejected.line, rejected.reason, rejected.content, $imported_at
        from {rejected} as rejected
        where not exists (
            select 1 from raw.rejected_rows as kept
            where kept.table_name = $table_name and kept.file = rejected.file
                and kept.line = rejected.line and kept.content = rejected.content
        )""",
        {"table_name": source.table.name, "imported_at": imported_at},
    )
    return _count(session.scratch, f"select count(*) from {rejected}")


def _set_repeated_aside(session: ImportSession, source: ImportSource) -> int:
    """Write the keys of several accepted rows to a table of the source; return how many rows repeat another."""
    keys = ", ".join(source.table.key)
    session.scratch.execute(
        f"""create temp table repeated_{source.name} as
        select {keys}, count(*) as rows from {source.checked} where reason is null
        group by {keys} having count(*) > 1"""
    )
    return _count(session.scratch, f"select coalesce(sum(rows - 1), 0) from repeated_{source.name}")


def _insert(session: ImportSession, source: ImportSource, imported_at: datetime) -> int:
    table, accepted = source.table, f"accepted_{source.name}"
    columns, keys = ", ".join(table.column_names), ", ".join(table.key)
    session.scratch.execute(f"create temp view {accepted} as {_first_rows(source)}")
    session.copy_to_target(accepted, {"line": BIGINT, **{column.name: column.type for column in table.columns}})
    is_versioned = "recorded_at" in table.key
    offered = f"select line, {columns} from {accepted}"
    if is_versioned:
        # A row that gets its time here may have the key of a row with this time.
        dated = f"{offered} where recorded_at is not null union all {_undated_versions(source, accepted)}"
        offered = f"select distinct on ({keys}) * from ({dated}) as dated order by {keys}, line"
    same_key = " and ".join(f"kept.{key} = offered.{key}" for key in table.key)
    return changed_rows(
        session.target.execute(
            f"""insert into {table.full_name} ({columns})
            select {columns} from ({offered}) as offered
            where not exists (select 1 from {table.full_name} as kept where {same_key})""",
            {"imported_at": imported_at} if is_versioned else None,
        )
    )


def _first_rows(source: ImportSource) -> str:
    """Return SQL for the accepted rows, of each key the first; where `recorded_at` is missing, the rest is the key.

    Only repeated keys are sorted: a file of millions of rows rarely has one.
    """
    repeated = f"repeated_{source.name}"
    columns, keys = ", ".join(source.table.column_names), ", ".join(source.table.key)
    same_key = " and ".join(f"repeated.{key} is not distinct from offered.{key}" for key in source.table.key)
    return f"""with offered as (select line, {columns} from {source.checked} where reason is null)
        select line, {columns} from offered anti join {repeated} as repeated on {same_key}
        union all
        select line, {columns} from (
            select distinct on ({keys}) * from offered semi join {repeated} as repeated on {same_key}
            order by {keys}, line
        )"""


def _undated_versions(source: ImportSource, accepted: str) -> str:
    """Return SQL for the rows without `recorded_at` that differ from the latest version, with the time of their own."""
    table = source.table
    keys = ", ".join(column for column in table.key if column != "recorded_at")
    attributes = [column for column in table.column_names if column not in table.key]
    differs = " or ".join(f"fresh.{column} is distinct from latest.{column}" for column in attributes)
    # A version must come after the one it replaces, even if that one was dated ahead of the clock.
    version = f"""case when latest.recorded_at is null then {FROM_THE_START}
        else greatest($imported_at, latest.recorded_at + interval '1 microsecond') end"""
    columns = ", ".join(version if name == "recorded_at" else f"fresh.{name}" for name in table.column_names)
    return f"""select fresh.line, {columns}
        from (select * from {accepted} where recorded_at is null) as fresh
        left join (select distinct on ({keys}) * from {table.full_name} order by {keys}, recorded_at desc) as latest
            using ({keys})
        where latest.recorded_at is null or {differs}"""


def _count(connection: Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])
