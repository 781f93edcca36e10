"""Reads delimited text (CSV and its relatives) into temporary tables, with the number of every line.

DuckDB's parallel reader does the work: it puts lines of the wrong shape aside and skips blank ones. What it would
refuse or number wrongly, such as a line break inside quotes, `parsed_text` reads.
"""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.importers.files.csv_parser import parse_text, write_lines
from nightjar.importers.files.line_numbers import number_lines
from nightjar.importers.files.text_format import CONTENT_LENGTH, TextFormat
from nightjar.importers.files.text_survey import TextSurvey, survey_text
from nightjar.importers.values.sql_literals import literal

# No text holds this delimiter, so that every line is one field.
_LINES = TextFormat(("content",), delimiter="\x01\x02\x03\x04", quote="", header=False)

_FILE = """read_csv($path, auto_detect = false, columns = $columns, delim = $delimiter, quote = $quote,
    escape = $quote, header = $header, encoding = $encoding, store_rejects = true, rejects_limit = 0,
    hive_partitioning = false)"""

_FAULT = """case error_type
    when 'MISSING COLUMNS' then 'the line has too few fields'
    when 'TOO MANY COLUMNS' then 'the line has too many fields'
    when 'UNQUOTED VALUE' then 'a quote is not closed at the end of its field'
    when 'INVALID ENCODING' then 'the line is not encoded as UTF-8'
    when 'LINE SIZE OVER MAXIMUM' then 'the line is longer than 2 MB'
    else lower(error_type) end"""


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn an error of DuckDB about a file into one line.

    Raises:
        BadInput: the file cannot be read in the format of its name.
    """
    try:
        yield
    except (duckdb.DataError, duckdb.IOException, duckdb.InvalidInputException, duckdb.OutOfMemoryException) as error:
        raise BadInput(
            f"{path} cannot be read: {str(error).splitlines()[0]}", code="unreadable_file", file=path
        ) from error


def read_delimited(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    text_format: TextFormat,
    name: str,
    survey: TextSurvey | None = None,
) -> None:
    """Read a file into the view `name` (line, its columns as text, content) and the table `name_unread`.

    `name_unread` (line, reason, content) holds the lines that do not have this shape. A line is a line of the
    file, counted from 1; a row that goes over several has the number of its first.

    Args:
        connection: An open transaction.
        path: A text file, plain or gzip.
        text_format: How it is written.
        name: Of the view, and the beginning of the names of its tables.
        survey: Of its bytes, if they were read before.

    Raises:
        BadInput: the file cannot be read as such text, or a quote swallows several lines.
    """
    survey = survey or survey_text(path)
    with readable(path):
        rows = _scanned(connection, path, text_format, name, survey) or _parsed(connection, path, text_format, name)
    columns = ", ".join(text_format.columns)
    connection.execute(
        f"create temp view {name} as select line, {columns}, {_as_written(text_format)} as content from ({rows})"
    )


def read_lines(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, survey: TextSurvey, encoding: str = "utf-8"
) -> None:
    """Read a text file into the view `name` (line, content) and the table `name_unread`; content is null if blank.

    Raises:
        BadInput: the file cannot be read as text.
    """
    with readable(path):
        if _suits_duckdb(replace(_LINES, encoding=encoding), survey):
            _scan(connection, path, replace(_LINES, encoding=encoding), name)
            numbered = number_lines(connection, name, 1, f"select line from {name}_unread")
        else:
            write_lines(connection, path, encoding, name)
            numbered = f"from {name}_rows"
    connection.execute(f"create temp view {name} as select line, content from ({numbered})")


def _suits_duckdb(text_format: TextFormat, survey: TextSurvey) -> bool:
    encodings = ("utf-8", "latin-1")
    return survey.has_one_kind_of_line_end and not text_format.is_escaped and text_format.encoding in encodings


def _scanned(
    connection: duckdb.DuckDBPyConnection, path: Path, text_format: TextFormat, name: str, survey: TextSurvey
) -> str | None:
    """Return SQL of the rows with their line as DuckDB reads them, or nothing where `parsed_text` has to read them."""
    if not _suits_duckdb(text_format, survey):
        return None
    _scan(connection, path, text_format, name)
    accounted = f"(select count(*) from {name}_rows) + (select count(*) from {name}_unread) + {int(text_format.header)}"
    skipped = f"select line from {name}_unread"
    if _number(connection, f"select {accounted}") < survey.lines:
        blank = f"{name}_blank"
        _scan(connection, path, _LINES, blank, "where content is null")
        numbered_blank = number_lines(connection, blank, 1, f"select line from {blank}_unread")
        if _number(connection, f"select {accounted} + (select count(*) from {blank}_rows)") != survey.lines:
            # Quotes hold the ends of the other lines.
            connection.execute(f"drop table {name}_rows")
            connection.execute(f"drop table {name}_unread")
            return None
        skipped += f" union select line from ({numbered_blank})"
    return number_lines(connection, name, 2 if text_format.header else 1, skipped)


def _parsed(connection: duckdb.DuckDBPyConnection, path: Path, text_format: TextFormat, name: str) -> str:
    parse_text(connection, path, text_format, name)
    return f"from {name}_rows"


def _number(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])


def _parameters(path: Path, text_format: TextFormat) -> dict[str, object]:
    return {
        "path": glob.escape(str(path)),
        "columns": dict.fromkeys(text_format.columns, "varchar"),
        "delimiter": text_format.delimiter,
        "quote": text_format.quote,
        "header": text_format.header,
        "encoding": text_format.encoding,
    }


def _scan(
    connection: duckdb.DuckDBPyConnection, path: Path, text_format: TextFormat, name: str, where: str = ""
) -> None:
    """Write the rows of a file, counted, to `name_rows` and the lines of another shape to `name_unread`."""
    connection.execute(
        f"create temp table {name}_rows as from (select row_number() over () as ordinal, * from {_FILE}) {where}",
        _parameters(path, text_format),
    )
    connection.execute(
        f"""create temp table {name}_unread as
        select line::bigint as line, string_agg(distinct {_FAULT}, '; ') as reason,
            left(trim(any_value(csv_line), chr(10) || chr(13)), {CONTENT_LENGTH}) as content,
            bool_or(error_type = 'UNQUOTED VALUE') and contains(content, chr(10)) as swallows_lines
        from reject_errors group by reject_errors.line"""
    )
    connection.execute("drop table reject_errors")
    connection.execute("drop table reject_scans")
    swallowing = connection.execute(f"select min(line) from {name}_unread where swallows_lines").fetchone()
    if swallowing and swallowing[0]:
        raise BadInput(
            f"{path} line {swallowing[0]}: a quote is not closed, so that the lines after it are unreadable",
            code="unclosed_quote",
            file=path,
            line=swallowing[0],
        )


def _as_written(text_format: TextFormat) -> str:
    """Return SQL that joins a row's fields again as the file writes them."""
    fields = [f"coalesce({column}, '')" for column in text_format.columns]
    delimiter, quote = literal(text_format.delimiter), literal(text_format.quote)
    if text_format.quote:
        fields = [
            f"""case when contains({field}, {delimiter}) or contains({field}, {quote}) or contains({field}, chr(10))
            then concat({quote}, replace({field}, {quote}, {quote} || {quote}), {quote}) else {field} end"""
            for field in fields
        ]
    return f"left(concat_ws({delimiter}, {', '.join(fields)}), {CONTENT_LENGTH})"
