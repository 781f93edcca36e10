"""Reads one Parquet file that a user names for one raw table; the file's own types are kept beside the texts."""

import glob
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.errors import BadInput
from nightjar.importers.column_matching import ColumnMatch, match_columns
from nightjar.importers.files.delimited_text import readable
from nightjar.importers.files.file_rows import FileRows, ReadContext, check_partition_values, selected
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.files.json_file import extract_columns
from nightjar.importers.files.json_paths import json_columns, names_to_match
from nightjar.importers.files.parquet_size import check_parquet_size
from nightjar.importers.files.text_format import CONTENT_LENGTH
from nightjar.importers.values.sql_literals import literal

_UNREAD = "(line bigint, reason varchar, content varchar)"


def read_parquet_file(reading: ReadContext, file: InputFile, path: Path, name: str) -> FileRows:
    """Read a Parquet file into the relations of `name`; the line of a row is its place in the file, from 1.

    Raises:
        BadInput: it is no Parquet file, its columns are wrong, nested, or bytes that are no text, or it holds more
            than it may.
    """
    connection, options = reading.connection, reading.options
    with readable(file.path):
        check_parquet_size(connection, path, reading.max_gb)
    fields = list(pq.read_schema(path))
    keys = [field.name for field in fields]
    names = names_to_match(keys, options.columns.values())
    match = match_columns(reading.table, names, str(file.path), options, file.partition)
    _refuse_nested(fields, match, file)
    read = _read_flat if all(given in keys for given in match.names.values()) else _read_by_paths
    with readable(file.path):
        rows = read(connection, file, path, keys, match, name)
    check_partition_values(connection, rows)
    return rows


def _refuse_nested(fields: list[pa.Field], match: ColumnMatch, file: InputFile) -> None:
    nested = [each.name for each in fields if pa.types.is_nested(each.type) and each.name in match.names.values()]
    if nested:
        raise BadInput(
            f"{file.path} has the nested column {nested[0]}: expected one value a row and column;"
            f" name what is in it by a path, such as --columns item_id={nested[0]}[].item_id",
            code="nested_column",
            file=file.path,
            column=nested[0],
        )


def _read_flat(
    connection: duckdb.DuckDBPyConnection, file: InputFile, path: Path, keys: list[str], match: ColumnMatch, name: str
) -> FileRows:
    # By place: DuckDB takes names that differ in case for one.
    places = [keys.index(given) for given in match.names.values()]
    source = f"read_parquet($path, file_row_number = true, hive_partitioning = false) as file({_numbered(keys)}, line)"
    parameters = {"path": glob.escape(str(path))}
    wanted = ", ".join(f"field_{place} as {column}" for column, place in zip(match.names, places, strict=True))
    described = connection.execute(f"describe select {wanted or 'line'} from {source}", parameters).fetchall()
    types = {column: str(type_) for column, type_, *_ in described if column in match.names}
    for column in [column for column, type_ in types.items() if type_ == "BLOB"]:
        _require_text(connection, file, column, match.names[column], wanted, source, parameters)
        types[column] = "VARCHAR"
    binary = {column for column, type_, *_ in described if type_ == "BLOB"}
    values = {column: f"decode({column})" if column in binary else f"{column}::varchar" for column in match.names}
    texts = "".join(f", {sql} as {column}" for column, sql in values.items())
    connection.execute(
        f"""create temp table {name}_values as
        select line + 1 as line{texts} from (select line{", " if wanted else ""}{wanted} from {source})""",
        parameters,
    )
    # Cut before they are joined: a few thousand long values are read at once.
    cut = ", ".join(f"{column} := left({column}, {CONTENT_LENGTH})" for column in match.names)
    content = f"left(to_json(struct_pack({cut})), {CONTENT_LENGTH})" if cut else "''"
    given = {column: column for column in match.names}
    connection.execute(
        f"create temp view {name} as {selected(given, match)} from (select *, {content} as content from {name}_values)"
    )
    return FileRows(name, file, match, types=types)


def _require_text(
    connection: duckdb.DuckDBPyConnection,
    file: InputFile,
    column: str,
    given: str,
    wanted: str,
    source: str,
    parameters: dict[str, str],
) -> None:
    """Check that bytes without the annotation of text, as old writers leave them, are UTF-8."""
    found = connection.execute(
        f"""select line + 1 from (select line, {wanted} from {source})
        where {column} is not null and try(decode({column})) is null limit 1""",
        parameters,
    ).fetchone()
    if found:
        raise BadInput(
            f"{file.path} row {found[0]}: column {given} holds bytes that are no UTF-8 text",
            code="wrong_encoding",
            file=file.path,
            row=found[0],
            column=given,
            expected="utf-8",
        )


def _read_by_paths(
    connection: duckdb.DuckDBPyConnection, file: InputFile, path: Path, keys: list[str], match: ColumnMatch, name: str
) -> FileRows:
    columns = json_columns(match.names, keys, str(file.path))
    roots = [place for place, key in enumerate(keys) if any(_begins_with(given, key) for given in match.names.values())]
    packed = ", ".join(f"{literal(keys[place])}, field_{place}" for place in roots)
    connection.execute(f"create temp table {name}_unread {_UNREAD}")
    connection.execute(
        f"""create temp table {name}_objects as
        select line + 1 as line, json_object({packed})::varchar as content from read_parquet(
            $path, file_row_number = true, hive_partitioning = false, binary_as_string = true
        ) as file({_numbered(keys)}, line)""",
        {"path": glob.escape(str(path))},
    )
    extract_columns(connection, name, columns, match, f"{name}_objects")
    return FileRows(name, file, match, unread=f"{name}_unread")


def _begins_with(given: str, key: str) -> bool:
    return given == key or given.startswith((f"{key}.", f"{key}[]"))


def _numbered(keys: list[str]) -> str:
    return ", ".join(f"field_{place}" for place in range(len(keys)))
