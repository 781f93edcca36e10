"""Reads one file of vectors: Parquet with a column of lists, or NPZ with the arrays `ids` and `vectors`."""

import glob
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nightjar.contract.errors import BadInput
from nightjar.importers.column_matching import ColumnMatch, match_columns
from nightjar.importers.files.compression import too_large_error
from nightjar.importers.files.delimited_text import readable
from nightjar.importers.files.file_rows import FileRows, ReadContext
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.files.text_format import CONTENT_LENGTH
from nightjar.importers.values.sql_literals import literal

_ARRAYS = ("ids", "vectors")
# Enough to recognise a vector by.
_SHOWN_NUMBERS = 16
_SAVE_IDS = "save them as numpy.array(ids, str)"


def read_vector_file(reading: ReadContext, file: InputFile, name: str) -> FileRows:
    """Read a file into the view `name`: line, content, `vector` as a list of 32-bit floats and all else as text.

    The line of a row is its place in the file, from 1.

    Raises:
        BadInput: it has another suffix, cannot be read, lacks a column or array, or one is of another type or shape.
    """
    if file.path.stat().st_size == 0:
        raise BadInput(f"{file.path} is empty", code="empty_file", file=file.path)
    suffix = file.path.suffix.lower()
    if suffix in (".parquet", ".pq", ".parq"):
        return _read_parquet(reading, file, name)
    if suffix == ".npz":
        return _read_npz(reading, file, name)
    raise BadInput(
        f"{file.path} is no file of vectors: expected .parquet with the columns {reading.table.key[0]} and"
        f" vector, or .npz with the arrays {' and '.join(_ARRAYS)}",
        code="unknown_suffix",
        file=file.path,
    )


def _read_parquet(reading: ReadContext, file: InputFile, name: str) -> FileRows:
    try:
        fields = list(pq.read_schema(file.path))
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{file.path} is no readable Parquet file", code="unreadable_file", file=file.path) from error
    keys = [field.name for field in fields]
    match = match_columns(reading.table, keys, str(file.path), reading.options, file.partition)
    for column, given in match.names.items():
        _check_type(file, given, fields[keys.index(given)].type, is_vector=column == "vector")
    # By place: DuckDB takes names that differ in case for one.
    numbered = ", ".join(f"field_{place}" for place in range(len(keys)))
    source = f"""read_parquet($path, file_row_number = true, hive_partitioning = false, binary_as_string = true)
        as file({numbered}, line)"""
    wanted = {column: f"field_{keys.index(given)}" for column, given in match.names.items()}
    with readable(file.path):
        parameters = {"path": glob.escape(str(file.path))}
        counted = reading.connection.execute(
            f"select coalesce(sum(4 * len({wanted['vector']}) + 1), 0) from {source}", parameters
        ).fetchall()
        if counted[0][0] > reading.max_gb * 10**9:
            raise too_large_error(file.path, reading.max_gb)
        return _rows(reading, file, match, name, wanted, source, parameters)


def _check_type(file: InputFile, given: str, type_: pa.DataType, *, is_vector: bool) -> None:
    is_list = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    is_number = is_list and (pa.types.is_floating(type_.value_type) or pa.types.is_integer(type_.value_type))
    if is_vector != is_number or (not is_vector and pa.types.is_nested(type_)):
        expected = "a list of numbers" if is_vector else "one value a row"
        raise BadInput(
            f"{file.path}: column {given} is of type {type_}: expected {expected}",
            code="wrong_type",
            file=file.path,
            column=given,
            value=str(type_),
            expected=expected,
        )


def _read_npz(reading: ReadContext, file: InputFile, name: str) -> FileRows:
    ids, vectors = _arrays(file.path, reading.max_gb)
    id_column = reading.table.key[0]
    match = match_columns(reading.table, [id_column, "vector"], str(file.path), reading.options, file.partition)
    numbers = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    table = pa.table(
        {
            id_column: pa.array(ids),
            "vector": pa.FixedSizeListArray.from_arrays(numbers, vectors.shape[1]),
            "line": pa.array(np.arange(len(ids))),
        }
    )
    reading.connection.register(f"{name}_arrays", table)
    try:
        return _rows(reading, file, match, name, {each: each for each in match.names}, f"{name}_arrays", {})
    finally:
        reading.connection.unregister(f"{name}_arrays")


def _arrays(path: Path, max_gb: int) -> tuple[NDArray[np.generic], NDArray[np.float32]]:
    """Return ids, text or numbers, and vectors (ids, length) of an NPZ file."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(each.file_size for each in archive.infolist()) > max_gb * 10**9:
                raise too_large_error(path, max_gb)
        with np.load(path, allow_pickle=False) as arrays:
            _require_arrays(path, arrays.files)
            ids, vectors = (_array(path, arrays, each) for each in _ARRAYS)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise BadInput(f"{path} is no readable NPZ file", code="unreadable_file", file=path) from error
    if ids.ndim != 1 or vectors.ndim != 2 or len(ids) != len(vectors) or vectors.shape[1] == 0:
        raise BadInput(
            f"{path} has ids of shape {ids.shape} and vectors of shape {vectors.shape}: expected (n,) and (n, length)",
            code="wrong_shape",
            file=path,
            ids=ids.shape,
            vectors=vectors.shape,
        )
    # What is beyond their range becomes infinite, and the row is rejected.
    with np.errstate(over="ignore"):
        return _decoded(path, ids), vectors.astype(np.float32)


def _require_arrays(path: Path, names: list[str]) -> None:
    if lacking := [each for each in _ARRAYS if each not in names]:
        raise BadInput(
            f"{path} lacks the array {lacking[0]}, it has {', '.join(names) or 'none'}: expected"
            f" {' and '.join(_ARRAYS)}, as numpy.savez(file, ids=..., vectors=...) writes them",
            code="missing_arrays",
            file=path,
            names=lacking,
        )


def _array(path: Path, arrays: np.lib.npyio.NpzFile, name: str) -> NDArray[np.generic]:
    try:
        array: NDArray[np.generic] = arrays[name]
    except ValueError as error:
        # Objects are pickles: reading one runs what is in it.
        raise _wrong_array(path, name, "object") from error
    if array.dtype.kind not in ("fiu" if name == "vectors" else "USfiu"):
        raise _wrong_array(path, name, str(array.dtype))
    return array


def _wrong_array(path: Path, name: str, type_: str) -> BadInput:
    expected = "numbers" if name == "vectors" else f"text or integers; {_SAVE_IDS}"
    return BadInput(
        f"{path}: array {name} is of type {type_}: expected {expected}",
        code="wrong_type",
        file=path,
        column=name,
        value=type_,
    )


def _decoded(path: Path, ids: NDArray[np.generic]) -> NDArray[np.generic]:
    if ids.dtype.kind != "S":
        return ids
    try:
        decoded: NDArray[np.generic] = np.char.decode(ids, "utf-8")  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path}: array ids holds bytes that are no UTF-8 text; {_SAVE_IDS}",
            code="wrong_encoding",
            file=path,
            column="ids",
            expected="utf-8",
        ) from error
    return decoded


def _rows(
    reading: ReadContext,
    file: InputFile,
    match: ColumnMatch,
    name: str,
    wanted: dict[str, str],
    source: str,
    parameters: dict[str, str],
) -> FileRows:
    connection = reading.connection
    values = {
        column: f"try_cast({sql} as float[])" if column == "vector" else f"{sql}::varchar"
        for column, sql in wanted.items()
    }
    selected = ", ".join(f"{sql} as {column}" for column, sql in values.items())
    connection.execute(
        f"create temp table {name}_values as select line + 1 as line, {selected} from {source}", parameters
    )
    described = connection.execute(
        f"describe select {', '.join(f'{sql} as {column}' for column, sql in wanted.items())} from {source}", parameters
    ).fetchall()
    shown = ", ".join(
        f"{column} := {f'vector[1:{_SHOWN_NUMBERS}]' if column == 'vector' else f'left({column}, {CONTENT_LENGTH})'}"
        for column in wanted
    )
    constants = {column: "null" if text is None else literal(text) for column, text in match.constants.items()}
    columns = "".join(f", {sql}::varchar as {column}" for column, sql in constants.items())
    content = f"left(to_json(struct_pack({shown})), {CONTENT_LENGTH})"
    connection.execute(f"create temp view {name} as select *, {content} as content{columns} from {name}_values")
    types = {column: str(type_) for column, type_, *_ in described if column != "vector"}
    return FileRows(name, file, match, types=types)
