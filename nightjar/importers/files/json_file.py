"""Reads one JSON file that a user names for one raw table: an object a line, an array of objects, or objects."""

import glob
from pathlib import Path

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.importers.column_matching import ColumnMatch, match_columns
from nightjar.importers.files.compression import open_decompressed
from nightjar.importers.files.delimited_text import read_lines, readable
from nightjar.importers.files.file_rows import FileRows, ReadContext, check_partition_values, selected
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.files.json_paths import JsonColumns, json_columns, names_to_match
from nightjar.importers.files.text_format import CONTENT_LENGTH
from nightjar.importers.files.text_header import encoding_of
from nightjar.importers.files.text_survey import survey_text

_OBJECTS = """select line, content,
        case when json_valid(content) then json_type(content) end is not distinct from 'OBJECT' as is_object
    from"""


def read_json_file(reading: ReadContext, file: InputFile, path: Path, name: str) -> FileRows:
    """Read a JSON file into the relations of `name`; what is no object goes to `name_unread`.

    The line of a row is that of its object; in an array, or where objects go over several lines, it is the object's
    place, counted from 1.

    Raises:
        BadInput: it holds no such objects, its columns are wrong, or it holds more than it may.
    """
    connection, options = reading.connection, reading.options
    with readable(file.path):
        _write_objects(reading, file, path, name)
        objects = f"{name}_objects where is_object"
        found = connection.execute(f"select distinct unnest(json_keys(content)) as key from {objects} order by key")
        keys = [key for (key,) in found.fetchall()]
    if not keys:
        raise BadInput(
            f"{file.path} holds no JSON object: expected one object a line, or an array of objects",
            code="no_json_objects",
            file=file.path,
        )
    names = names_to_match(keys, options.columns.values())
    match = match_columns(reading.table, names, str(file.path), options, file.partition)
    extract_columns(connection, name, json_columns(match.names, keys, str(file.path)), match, objects)
    rows = FileRows(name, file, match, unread=f"{name}_unread")
    _note_objects_without_elements(reading, rows)
    check_partition_values(connection, rows)
    return rows


def _write_objects(reading: ReadContext, file: InputFile, path: Path, name: str) -> None:
    """Write `name_objects` (line, content, is_object) and `name_unread` (line, reason, content)."""
    connection, objects, unread = reading.connection, f"{name}_objects", f"{name}_unread"
    survey = survey_text(path, reading.max_gb)
    encoding = encoding_of(str(file.path), reading.options, survey)
    begins_with = _first_character(path, encoding)
    connection.execute(f"create temp table {unread} (line bigint, reason varchar, content varchar)")
    if begins_with == "[":
        _read_several_lines(connection, file, path, encoding, "array", objects)
    else:
        read_lines(connection, path, f"{name}_text", survey, encoding)
        # Only a valid line has a type: DuckDB stops at text that merely looks like JSON.
        connection.execute(f"create temp table {objects} as {_OBJECTS} {name}_text where trim(content) <> ''")
        if begins_with == "{" and not _count(connection, f"{objects} where is_object"):
            connection.execute(f"drop table {objects}")
            _read_several_lines(connection, file, path, encoding, "unstructured", objects)
        else:
            connection.execute(f"insert into {unread} select line, reason, content from {name}_text_unread")
    connection.execute(
        f"""insert into {unread}
        select line, 'the line is no JSON object', left(content, {CONTENT_LENGTH})
        from {objects} where not is_object"""
    )


def extract_columns(
    connection: duckdb.DuckDBPyConnection, name: str, columns: JsonColumns, match: ColumnMatch, objects: str
) -> None:
    """Write the view `name` of the columns in JSON objects.

    Rows whose value is itself an object or a list go to `name_unread`.

    Args:
        connection: An open transaction.
        name: `name_unread` must exist.
        columns: Where the columns are.
        match: Which columns of the contract they are.
        objects: SQL after `from`: line and content, one JSON object a row.
    """
    source = f"(select line, content from {objects})"
    if columns.elements:
        source = f"(select line, content, unnest({columns.elements}) as element from {objects})"
    values = "".join(f", {sql} as {column}" for column, sql in columns.values.items())
    nested = " ".join(
        f"when {column}[1] in ('{{', '[') and {columns.kinds[column]} in ('OBJECT', 'ARRAY') then '{column}'"
        for column in columns.values
    )
    nested = f"case {nested} end" if nested else "null::varchar"
    connection.execute(
        f"""create temp table {name}_values as
        select line, content{values}, {nested} as nested from {source}"""
    )
    connection.execute(
        f"""insert into {name}_unread
        select line, nested || ' holds an object or a list: expected one value', left(content, {CONTENT_LENGTH})
        from {name}_values where nested is not null"""
    )
    given = {column: column for column in columns.values}
    connection.execute(f"create temp view {name} as {selected(given, match)} from {name}_values where nested is null")


def _read_several_lines(
    connection: duckdb.DuckDBPyConnection, file: InputFile, path: Path, encoding: str, form: str, objects: str
) -> None:
    if encoding != "utf-8":
        raise BadInput(
            f"{file.path} is JSON of several lines in {encoding.upper()}: expected UTF-8",
            code="unsupported_encoding",
            file=file.path,
            value=encoding,
            expected="utf-8",
        )
    compression = "gzip" if path.suffix.lower() == ".gz" else "none"
    connection.execute(
        f"""create temp table {objects} as {_OBJECTS} (
            select row_number() over () as line, json::varchar as content
            from read_json_objects($path, format = '{form}', compression = '{compression}', hive_partitioning = false)
        )""",
        {"path": glob.escape(str(path))},
    )


def _note_objects_without_elements(reading: ReadContext, rows: FileRows) -> None:
    path = next((name for name in rows.match.names.values() if "[]" in name), None)
    if path is None:
        return
    objects = _count(reading.connection, f"{rows.name}_objects where is_object")
    empty = objects - _count(reading.connection, f"(select distinct line from {rows.name}_values)")
    if empty:
        each = path[: path.rindex("[]")]
        reading.note(f"{rows.file.path}: {empty:,} of {objects:,} objects hold nothing in {each}[] and are no rows")


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])


def _first_character(path: Path, encoding: str) -> str:
    with open_decompressed(path) as file:
        return file.read(4096).decode(encoding, "replace").lstrip("\ufeff \t\r\n")[:1]
