"""Reads delimited text (CSV and its relatives) into temporary tables, with the number of every line.

DuckDB's parallel reader does the work: it puts lines of the wrong shape aside and skips blank ones. A line break
inside quotes counts as no line, so that below one the number is that of the row rather than of the line.
"""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.errors import BadInput
from warehouse.importers.line_numbers import number_lines

CONTENT_LENGTH = 1000


@dataclass(frozen=True)
class Layout:
    """How one text file is written; `columns` names its fields in order (names from code, never from the file)."""

    columns: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"


# No text holds this delimiter, so that every line is one field.
_LINES = Layout(("content",), delimiter="\x01\x02\x03\x04", quote="", header=False)

_FILE = """read_csv($path, auto_detect = false, columns = $columns, delim = $delimiter, quote = $quote,
    escape = $quote, header = $header, encoding = $encoding, store_rejects = true, rejects_limit = 0)"""

_FAULT = """case error_type
    when 'MISSING COLUMNS' then 'the line has too few fields'
    when 'TOO MANY COLUMNS' then 'the line has too many fields'
    when 'UNQUOTED VALUE' then 'a quote is not closed at the end of its field'
    when 'INVALID ENCODING' then 'the line is not encoded as UTF-8'
    when 'LINE SIZE OVER MAXIMUM' then 'the line is longer than 2 MB'
    else lower(error_type) end"""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn DuckDB's complaint about a file into one line.

    Raises:
        BadInput: the file cannot be read as what its name says.
    """
    try:
        yield
    except (duckdb.DataError, duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException) as error:
        raise BadInput(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def read_delimited(connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout, name: str) -> None:
    """Read a file into the view `name` (line, the layout's columns as text, content) and the table `name_unread`.

    `name_unread` (line, reason, content) holds the lines that do not have the layout's shape.

    Raises:
        BadInput: the file cannot be read as such text, or a quote swallows several lines.
    """
    with readable(path):
        _scan(connection, path, layout, name)
        blank = f"{name}_blank"
        _scan(connection, path, _LINES, blank, "where content is null")
        numbered_blank = number_lines(connection, blank, 1, f"select line from {blank}_unread")
    # A blank line of a file with one column is not skipped: it reads as a row without a value.
    skips_blank = f" union select line from ({numbered_blank})" if len(layout.columns) > 1 else ""
    first_line = 2 if layout.header else 1
    numbered = number_lines(connection, name, first_line, f"select line from {name}_unread{skips_blank}")
    columns = ", ".join(layout.columns)
    connection.execute(
        f"create temp view {name} as select line, {columns}, {_as_written(layout)} as content from ({numbered})"
    )


def read_lines(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Read a text file into the view `name` (line, content) and the table `name_unread`; content is null if blank.

    Raises:
        BadInput: the file cannot be read as text.
    """
    with readable(path):
        _scan(connection, path, _LINES, name)
    numbered = number_lines(connection, name, 1, f"select line from {name}_unread")
    connection.execute(f"create temp view {name} as select line, content from ({numbered})")


def _parameters(path: Path, layout: Layout) -> dict[str, object]:
    return {
        "path": glob.escape(str(path)),
        "columns": dict.fromkeys(layout.columns, "varchar"),
        "delimiter": layout.delimiter,
        "quote": layout.quote,
        "header": layout.header,
        "encoding": layout.encoding,
    }


def _scan(connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout, name: str, where: str = "") -> None:
    """Write the rows of a file, counted, to `name_rows` and the lines of another shape to `name_unread`."""
    connection.execute(
        f"create temp table {name}_rows as from (select row_number() over () as ordinal, * from {_FILE}) {where}",
        _parameters(path, layout),
    )
    connection.execute(
        f"""create temp table {name}_unread as
        select line, string_agg(distinct {_FAULT}, '; ') as reason,
            left(trim(any_value(csv_line), chr(10) || chr(13)), {CONTENT_LENGTH}) as content,
            bool_or(error_type = 'UNQUOTED VALUE') and contains(content, chr(10)) as swallows_lines
        from reject_errors group by line"""
    )
    connection.execute("drop table reject_errors")
    connection.execute("drop table reject_scans")
    swallowing = connection.execute(f"select min(line) from {name}_unread where swallows_lines").fetchone()
    if swallowing and swallowing[0]:
        raise BadInput(f"{path} line {swallowing[0]}: a quote is not closed, so that the lines after it are unreadable")


def _as_written(layout: Layout) -> str:
    """Return SQL that joins a row's fields again as the file writes them."""
    fields = [f"coalesce({column}, '')" for column in layout.columns]
    if layout.quote:
        fields = [
            f"""case when regexp_matches({field}, '[{layout.delimiter}"\\n]')
            then '"' || replace({field}, '"', '""') || '"' else {field} end"""
            for field in fields
        ]
    return f"left(concat_ws('{layout.delimiter}', {', '.join(fields)}), {CONTENT_LENGTH})"
