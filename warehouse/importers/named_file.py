"""Reads one file that a user names for one raw table, in the format its suffix says: CSV, JSON lines or Parquet."""

import csv
import glob
import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from warehouse.errors import BadInput
from warehouse.importers.columns import ColumnMatch, match_columns
from warehouse.importers.delimited import CONTENT_LENGTH, Layout, read_delimited, read_lines, readable
from warehouse.importers.options import ReadOptions
from warehouse.importers.source import Source, define
from warehouse.importers.unpacked_size import check_unpacked_size
from warehouse.tables import Table

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_HEADER_BYTES = 1_000_000


def read_named_file(
    connection: duckdb.DuckDBPyConnection, table: Table, path: Path, max_gb: int, options: ReadOptions
) -> Source:
    """Read a file into the relations of a source.

    Raises:
        BadInput: there is no such file, its format is unknown or not what its suffix says, its columns are wrong, or it
            is packed and holds more than `max_gb` gigabytes of text.
    """
    if not path.is_file():
        raise BadInput(f"{path} is no file")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty")
    reader = _reader(path)
    with readable(path):
        check_unpacked_size(connection, path, max_gb)
    return replace(reader(connection, table, path), options=options)


def _reader(path: Path) -> Callable[[duckdb.DuckDBPyConnection, Table, Path], Source]:
    suffix = _text_suffix(path)
    if suffix in _DELIMITERS:
        return _read_csv
    if suffix in _JSON_SUFFIXES:
        return _read_json_lines
    if path.suffix.lower() == ".parquet":
        return _read_parquet
    raise BadInput(
        f"{path} has no known suffix: expected .csv, .tsv, .jsonl, .ndjson, .json (each also with .gz) or .parquet"
    )


def _text_suffix(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _read_csv(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> Source:
    delimiter = _DELIMITERS[_text_suffix(path)]
    match = match_columns(table, _header(path, delimiter), str(path))
    layout = Layout(tuple(match.names.values()), delimiter)
    rows = f"{table.name}_file"
    read_delimited(connection, path, layout, rows)
    source = _source(table, path, match, unread=f"{rows}_unread")
    # A blank line of a file with one column reads as a row without a value.
    blank = f" where {layout.columns[0]} is not null" if len(layout.columns) == 1 else ""
    return define(connection, source, f"from {rows}{blank}")


def _header(path: Path, delimiter: str) -> list[str]:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            text = file.readline(_HEADER_BYTES).decode("utf-8-sig")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{path} is no {'gzip file of ' if path.suffix == '.gz' else ''}UTF-8 text") from error
    if "\0" in text:
        raise BadInput(f"{path} is no UTF-8 text: its first line holds a NUL character")
    if not text.strip():
        raise BadInput(f"{path} is empty or has a blank first line, where the column names belong")
    try:
        return next(csv.reader([text.splitlines()[0]], delimiter=delimiter))
    except csv.Error as error:
        raise BadInput(f"{path} has a first line that names no columns: {error}") from error


def _read_json_lines(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> Source:
    rows = f"{table.name}_file"
    read_lines(connection, path, rows)
    # Only a valid line is asked for its type: DuckDB stops at text that merely looks like JSON.
    connection.execute(
        f"""create temp table {rows}_objects as
        select line, content, case when json_valid(content) then json_type(content) end is not distinct from 'OBJECT'
            as is_object
        from {rows} where trim(content) <> ''"""
    )
    connection.execute(
        f"""insert into {rows}_unread by name
        select line, 'the line is no JSON object' as reason, left(content, {CONTENT_LENGTH}) as content
        from {rows}_objects where not is_object"""
    )
    with readable(path):
        keys = connection.execute(
            f"select distinct unnest(json_keys(content)) as key from {rows}_objects where is_object order by key"
        ).fetchall()
    if not keys:
        raise BadInput(f"{path} holds no JSON object: expected one object a line")
    match = match_columns(table, [key for (key,) in keys], str(path))
    source = _source(table, path, match, unread=f"{rows}_unread")
    values = ", ".join(f"content ->> '$.{name}' as {column}" for name, column in match.names.items())
    return define(connection, source, f"select line, content, {values} from {rows}_objects where is_object")


def _read_parquet(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> Source:
    match = match_columns(table, pq.read_schema(path).names, str(path))
    rows = f"{table.name}_file"
    values = ", ".join(f'cast("{name}" as varchar) as {column}' for name, column in match.names.items())
    with readable(path):
        connection.execute(
            f"""create temp table {rows} as select file_row_number + 1 as line, {values}
            from read_parquet($path, file_row_number = true)""",
            {"path": glob.escape(str(path))},
        )
    # Cut before they are joined: a few thousand long values are read at once.
    values = ", ".join(f"{column} := left({column}, {CONTENT_LENGTH})" for column in match.names.values())
    content = f"left(to_json(struct_pack({values})), {CONTENT_LENGTH})"
    return define(connection, _source(table, path, match), f"select *, {content} as content from {rows}")


def _source(table: Table, path: Path, match: ColumnMatch, unread: str | None = None) -> Source:
    columns = tuple(match.names.values())
    return Source(table.name, table, path.name, columns, unread, match.text_defaults)
