"""Reads delimited text that DuckDB's strict reader refuses or would misnumber, with Python's csv module.

Mixed line ends, line breaks inside quotes, encodings other than UTF-8 and latin-1, backslashes before quotes. It
writes the tables of `delimited`; the line of a row is that of the file on which the row begins.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from nightjar.contract.errors import BadInput
from nightjar.importers.files.compression import open_decompressed
from nightjar.importers.files.text_format import CONTENT_LENGTH, LONGEST_LINE, TextFormat

_ROWS_AT_ONCE = 50_000
_STANDS_FOR_DELIMITER = "\x1f"


@dataclass
class _Batch:
    """Rows that are not yet written: line and fields; and lines of another shape: line, reason, content."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    unread: list[tuple[int, str, str]] = field(default_factory=list)


def write_lines(connection: duckdb.DuckDBPyConnection, path: Path, encoding: str, name: str) -> None:
    """Write the lines of a file without their ends to `name_rows` (line, content) and others to `name_unread`.

    Raises:
        BadInput: it is no text of that encoding, or a line is longer than 2 MB.
    """
    connection.execute(f"create temp table {name}_rows (line bigint, content varchar)")
    connection.execute(f"create temp table {name}_unread (line bigint, reason varchar, content varchar)")
    text_format = TextFormat(("content",), encoding=encoding)
    lines = ((number, [line.rstrip("\r\n")]) for number, line in enumerate(text_lines(path, encoding), 1))
    while rows := list(islice(lines, _ROWS_AT_ONCE)):
        _write(connection, name, text_format, _Batch(rows))


def parse_text(connection: duckdb.DuckDBPyConnection, path: Path, text_format: TextFormat, name: str) -> None:
    """Write the rows of a file to `name_rows` (line, its columns) and other lines to `name_unread`.

    Raises:
        BadInput: it is no text of that encoding, a line is longer than 2 MB, or a quote swallows several lines.
    """
    columns = ", ".join(f"{column} varchar" for column in text_format.columns)
    connection.execute(f"create temp table {name}_rows (line bigint, {columns})")
    connection.execute(f"create temp table {name}_unread (line bigint, reason varchar, content varchar)")
    batch = _Batch()
    for line, fields, content, fault in _records(path, text_format):
        if fault is None and len(fields) != len(text_format.columns):
            fault = f"the line has too {'few' if len(fields) < len(text_format.columns) else 'many'} fields"
        if fault is None:
            batch.rows.append((line, fields))
        else:
            batch.unread.append((line, fault, content.rstrip("\r\n")[:CONTENT_LENGTH]))
        if len(batch.rows) + len(batch.unread) >= _ROWS_AT_ONCE:
            _write(connection, name, text_format, batch)
            batch = _Batch()
    _write(connection, name, text_format, batch)


def text_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a text file with their ends, whichever of the three kinds each has.

    Bytes that are not of the encoding stay as lone surrogates.

    Raises:
        BadInput: the bytes cannot be decoded at all, or a line is longer than 2 MB.
    """
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding
    with open_decompressed(path) as file:
        text = TextIOWrapper(file, encoding, "surrogateescape", newline="")
        number = 1
        try:
            while line := text.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise BadInput(
                        f"{path} line {number}: the line is longer than 2 MB",
                        code="line_too_long",
                        file=path,
                        line=number,
                    )
                yield line
                number += 1
        except UnicodeError as error:
            raise BadInput(
                f"{path} line {number} is not encoded as {encoding}: {error}",
                code="wrong_encoding",
                file=path,
                line=number,
                expected=encoding,
            ) from error


def _records(path: Path, text_format: TextFormat) -> Iterator[tuple[int, list[str], str, str | None]]:
    """Yield of each record its first line, its fields, its text, and what is wrong with it."""
    csv.field_size_limit(LONGEST_LINE)
    taken: list[str] = []
    reader = csv.reader(
        _prepared(text_lines(path, text_format.encoding), text_format, taken),
        delimiter=text_format.delimiter if len(text_format.delimiter) == 1 else _STANDS_FOR_DELIMITER,
        quotechar=text_format.quote or None,
        quoting=csv.QUOTE_MINIMAL if text_format.quote else csv.QUOTE_NONE,
        strict=True,
    )
    awaits_header = text_format.header
    while True:
        line, fault, fields = reader.line_num + 1, None, list[str]()
        taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > line:
                raise _swallowing(path, line) from error
            fault = "a quote is not closed at the end of its field"
        if awaits_header:
            awaits_header = False
        elif fields or fault:
            if len(text_format.delimiter) > 1 and text_format.quote:
                fields = [each.replace(_STANDS_FOR_DELIMITER, text_format.delimiter) for each in fields]
            yield line, fields, taken[0], fault


def _prepared(lines: Iterable[str], text_format: TextFormat, taken: list[str]) -> Iterator[str]:
    """Yield lines as the csv module understands them: one character between fields, quotes doubled."""
    escaped = re.compile(
        re.escape(text_format.escape or "") + f"([{re.escape((text_format.escape or '') + text_format.quote)}])"
    )
    for line in lines:
        taken.append(line)
        if text_format.is_escaped and text_format.escape in line:  # type: ignore[operator]
            line = escaped.sub(lambda found: found[1] * (2 if found[1] == text_format.quote else 1), line)
        yield line.replace(text_format.delimiter, _STANDS_FOR_DELIMITER) if len(text_format.delimiter) > 1 else line


def _swallowing(path: Path, line: int) -> BadInput:
    return BadInput(
        f"{path} line {line}: a quote is not closed, so that the lines after it are unreadable",
        code="unclosed_quote",
        file=path,
        line=line,
    )


def _write(connection: duckdb.DuckDBPyConnection, name: str, text_format: TextFormat, batch: _Batch) -> None:
    try:
        rows = _rows_table(text_format, batch.rows)
    except UnicodeEncodeError:
        fault = f"the line is not encoded as {text_format.encoding.upper()}"
        damaged = [(line, fields) for line, fields in batch.rows if not all(map(_is_whole, fields))]
        batch.unread += [(line, fault, text_format.delimiter.join(fields)[:CONTENT_LENGTH]) for line, fields in damaged]
        rows = _rows_table(text_format, [(line, fields) for line, fields in batch.rows if all(map(_is_whole, fields))])
    _insert(connection, f"{name}_rows", rows)
    unread = [(line, reason, content.encode("utf-8", "replace").decode()) for line, reason, content in batch.unread]
    schema = pa.schema({"line": pa.int64(), "reason": pa.string(), "content": pa.string()})
    columns = [list(each) for each in zip(*unread, strict=True)] or [[], [], []]
    _insert(connection, f"{name}_unread", pa.table(columns, schema))


def _rows_table(text_format: TextFormat, rows: list[tuple[int, list[str]]]) -> pa.Table:
    fields = zip(*(fields for _, fields in rows), strict=True) if rows else ([] for _ in text_format.columns)
    columns = {
        column: pa.array(values, pa.string()) for column, values in zip(text_format.columns, fields, strict=True)
    }
    return pa.table({"line": pa.array([line for line, _ in rows], pa.int64()), **columns})


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    if rows.num_rows:
        connection.register("parsed_rows", rows)
        connection.execute(f"insert into {table} from parsed_rows")
        connection.unregister("parsed_rows")


def _is_whole(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
