"""The rows of one file as its reader leaves them, and how those of several become one source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import Table
from nightjar.importers.columns import TEXT_DEFAULTS, ColumnMatch
from nightjar.importers.files.file_set import NamedFile
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.reading_notes import Note
from nightjar.importers.source import LINES_OF_A_FILE, Source, define
from nightjar.importers.values.sql_texts import literal


@dataclass(frozen=True)
class Reading:
    """What the readers of one table's files share.

    Attributes:
        connection: An open transaction of DuckDB.
        table: The raw table that the rows are meant for.
        options: How the files are written, as far as a person said.
        max_gb: Gigabytes of text that a packed file may hold.
        note: Takes what a reader found out by itself, and what it leaves out.
    """

    connection: duckdb.DuckDBPyConnection
    table: Table
    options: ReadOptions
    max_gb: int
    note: Note


@dataclass(frozen=True)
class ReadRows:
    """Rows of one file.

    Attributes:
        name: Temporary view of the rows: line, content and the columns of the contract that the file gives, as text.
        file: Where they come from.
        match: Which column of the contract stands where in the file.
        unread: Temporary table of what could not be split into columns: line, reason, content.
        types: SQL types of the columns, where the file has them.
    """

    name: str
    file: NamedFile
    match: ColumnMatch
    unread: str | None = None
    types: dict[str, str] = field(default_factory=dict)


def selected(values: Mapping[str, str], match: ColumnMatch) -> str:
    """Return the beginning of a select: line, content, SQL by column of the contract, and the constants."""
    constants = {column: "null" if text is None else literal(text) for column, text in match.constants.items()}
    columns = {**values, **constants}
    return "select line, content, " + ", ".join(f"{sql}::varchar as {column}" for column, sql in columns.items())


def require_claims(connection: duckdb.DuckDBPyConnection, rows: ReadRows) -> None:
    """Check that a file's own columns say what the names of its folders say.

    Raises:
        BadInput: a row says something else; the line names folder and value.
    """
    for column, claim in rows.match.claims.items():
        said = connection.execute(
            f"""select {column} from {rows.name}
            where nullif({column}, '') is distinct from $claim
                and not coalesce(try_cast({column} as double) = try_cast($claim as double), false) limit 1""",
            {"claim": claim},
        ).fetchone()
        if said is not None:
            raise BadInput(
                f"{rows.file.path} has the column {rows.match.names[column]} with {said[0]!r}, but its folder says"
                f" {claim!r}: expected one of the two; rename the folder, or leave the column out",
                code="contradicting_folder",
                file=rows.file.path,
                column=rows.match.names[column],
                value=said[0],
                expected=claim,
            )


def sources_of(reading: Reading, files: Sequence[ReadRows]) -> list[Source]:
    """Make sources of the files of one table: one of all whose columns have the same types."""
    groups: dict[tuple[tuple[str, str], ...], list[ReadRows]] = {}
    for rows in files:
        groups.setdefault(tuple(sorted(rows.types.items())), []).append(rows)
    return [
        _source(reading, group, f"{reading.table.name}_{number}" if number else reading.table.name)
        for number, group in enumerate(groups.values())
    ]


def _source(reading: Reading, files: Sequence[ReadRows], name: str) -> Source:
    defaults = files[0].match.text_defaults
    has_one_default = all(rows.match.text_defaults == defaults for rows in files)
    given = {column for rows in files for column in rows.match.columns}
    given |= set() if has_one_default else {"event_type"}
    columns = tuple(column for column in reading.table.column_names if column in given)
    source = Source(
        name,
        reading.table,
        tuple(rows.file.shown for rows in files),
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


def _values(rows: ReadRows, columns: Sequence[str], has_one_default: bool) -> str:
    values = {column: column if column in rows.match.columns else "null::varchar" for column in columns}
    if not has_one_default:
        event_type = values["event_type"]
        values["event_type"] = f"coalesce(nullif({event_type}, ''), {literal(rows.match.text_defaults['event_type'])})"
    return ", ".join(f"{value} as {column}" for column, value in values.items())
