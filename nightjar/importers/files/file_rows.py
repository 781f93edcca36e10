"""The rows that a reader gets from one file, and how those of several files become one source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import Table
from nightjar.importers.column_matching import TEXT_DEFAULTS, ColumnMatch
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.import_notes import Note
from nightjar.importers.import_source import LINES_OF_A_FILE, ImportSource, define
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.sql_literals import literal


@dataclass(frozen=True)
class ReadContext:
    """Arguments that the readers of one table's files share.

    Attributes:
        connection: An open transaction of DuckDB.
        table: The raw table that the rows are meant for.
        options: How the files are written, as far as given.
        max_gb: Gigabytes of text that a compressed file may hold.
        note: Called with what a reader detected, and what it leaves out.
    """

    connection: duckdb.DuckDBPyConnection
    table: Table
    options: ReadOptions
    max_gb: int
    note: Note


@dataclass(frozen=True)
class FileRows:
    """Rows of one file.

    Attributes:
        name: Temporary view of the rows: line, content and the columns of the contract that the file gives, as text.
        file: Where they come from.
        match: Which column of the contract stands where in the file.
        unread: Temporary table of what could not be split into columns: line, reason, content.
        types: SQL types of the columns, where the file has them.
    """

    name: str
    file: InputFile
    match: ColumnMatch
    unread: str | None = None
    types: dict[str, str] = field(default_factory=dict)


def selected(values: Mapping[str, str], match: ColumnMatch) -> str:
    """Return the beginning of a select: line, content, SQL by column of the contract, and the constants."""
    constants = {column: "null" if text is None else literal(text) for column, text in match.constants.items()}
    columns = {**values, **constants}
    return "select line, content, " + ", ".join(f"{sql}::varchar as {column}" for column, sql in columns.items())


def check_partition_values(connection: duckdb.DuckDBPyConnection, rows: FileRows) -> None:
    """Check that a file's own columns agree with the names of its folders.

    Raises:
        BadInput: a row has another value; names folder and value.
    """
    for column, claim in rows.match.partition_values.items():
        other = connection.execute(
            f"""select {column} from {rows.name}
            where nullif({column}, '') is distinct from $claim
                and not coalesce(try_cast({column} as double) = try_cast($claim as double), false) limit 1""",
            {"claim": claim},
        ).fetchone()
        if other is not None:
            raise BadInput(
                f"{rows.file.path} has the column {rows.match.names[column]} with {other[0]!r}, but its folder has"
                f" {claim!r}: expected one of the two; rename the folder, or leave the column out",
                code="contradicting_folder",
                file=rows.file.path,
                column=rows.match.names[column],
                value=other[0],
                expected=claim,
            )


def sources_of(reading: ReadContext, files: Sequence[FileRows]) -> list[ImportSource]:
    """Make sources of the files of one table: one of all whose columns have the same types."""
    groups: dict[tuple[tuple[str, str], ...], list[FileRows]] = {}
    for rows in files:
        groups.setdefault(tuple(sorted(rows.types.items())), []).append(rows)
    return [
        _source(reading, group, f"{reading.table.name}_{number}" if number else reading.table.name)
        for number, group in enumerate(groups.values())
    ]


def _source(reading: ReadContext, files: Sequence[FileRows], name: str) -> ImportSource:
    defaults = files[0].match.text_defaults
    has_one_default = all(rows.match.text_defaults == defaults for rows in files)
    given = {column for rows in files for column in rows.match.columns}
    given |= set() if has_one_default else {"event_type"}
    columns = tuple(column for column in reading.table.column_names if column in given)
    source = ImportSource(
        name,
        reading.table,
        tuple(rows.file.display_name for rows in files),
        columns,
        f"{name}_unread" if any(rows.unread for rows in files) else None,
        defaults if has_one_default else dict(TEXT_DEFAULTS),
        reading.options,
        files[0].types,
    )
    if source.unread:
        unread = (
            f"select line + {place * LINES_OF_A_FILE} as line, reason, content from {rows.unread}"
            for place, rows in enumerate(files)
            if rows.unread
        )
        reading.connection.execute(f"create temp view {source.unread} as {' union all '.join(unread)}")
    parts = (
        f"select line + {place * LINES_OF_A_FILE} as line, content, {_values(rows, columns, has_one_default)}"
        f" from {rows.name}"
        for place, rows in enumerate(files)
    )
    return define(reading.connection, source, " union all ".join(parts))


def _values(rows: FileRows, columns: Sequence[str], has_one_default: bool) -> str:
    values = {column: column if column in rows.match.columns else "null::varchar" for column in columns}
    if not has_one_default:
        event_type = values["event_type"]
        values["event_type"] = f"coalesce(nullif({event_type}, ''), {literal(rows.match.text_defaults['event_type'])})"
    return ", ".join(f"{value} as {column}" for column, value in values.items())
