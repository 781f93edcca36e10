"""Writes Arrow batches in PostgreSQL's binary COPY format, column by column, without a Python object per value.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Every text, with backslashes and
line breaks, and every float, NaN and infinity too, arrives as it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from psycopg import errors

from nightjar.contract.errors import NightjarError
from nightjar.warehouse.postgres.connection import PostgresConnection

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
# PostgreSQL counts days and microseconds from 2000-01-01.
_EPOCH_DAYS, _EPOCH_MICROSECONDS = 10_957, 946_684_800_000_000
_FLOAT4_OID = 700
_ARRAY_HEADER = np.dtype([(name, ">i4") for name in ("dimensions", "has_nulls", "type", "length", "first")])
_ARRAY_ELEMENT = np.dtype([("bytes", ">i4"), ("value", ">f4")])


def copy_in(
    connection: PostgresConnection, table: str, columns: Sequence[str], batches: Iterable[pa.RecordBatch], *options: str
) -> int:
    """Append batches, whose columns have the types of `ARROW_TYPES`, to a table; return the number of their rows.

    Raises:
        NightjarError: a value does not fit the table.
    """
    statement = (
        f"copy {table} ({', '.join(columns)}) from stdin (format binary{''.join(f', {each}' for each in options)})"
    )
    with connection.session.cursor() as cursor:
        try:
            with cursor.copy(statement.encode()) as copy:
                for chunk in encode(batches):
                    copy.write(chunk)
        except (errors.DataError, errors.IntegrityError) as error:
            raise NightjarError(
                f"the rows do not fit {table}: {error.diag.message_primary}", code="rows_do_not_fit", table=table
            ) from error
        return cursor.rowcount


def encode(batches: Iterable[pa.RecordBatch]) -> Iterator[memoryview | bytes]:
    """Yield what `copy ... from stdin (format binary)` reads."""
    yield _HEADER
    for batch in batches:
        if batch.num_rows:
            yield _rows(batch)
    yield _TRAILER


def _rows(batch: pa.RecordBatch) -> memoryview:
    count = _bytes_of(np.full(batch.num_rows, batch.num_columns, ">i2"))
    fields = [part for column in batch.columns for part in _field(column)]
    joined = pc.binary_join_element_wise(count, *fields, _empty(), null_handling="replace", null_replacement="")
    _, ends, values = joined.buffers()
    offsets = np.frombuffer(ends, np.int32)
    return memoryview(values)[offsets[joined.offset] : offsets[joined.offset + len(joined)]]


def _empty() -> pa.Scalar:
    # Not a constant: the first scalar imports pandas, and every command imports this module.
    return pa.scalar(b"", pa.binary())


def _field(column: pa.Array) -> list[pa.Array]:
    """Return the parts of each field of a column, to be joined: its length in bytes (-1 for null), then its bytes."""
    if pa.types.is_string(column.type):
        content = column.cast(pa.binary())
        return [_bytes_of(_filled(pc.binary_length(content), -1).astype(">i4")), content]
    if pa.types.is_list(column.type):
        return _vector_field(column)
    values = _big_endian(column)
    lengths = np.where(np.asarray(column.is_null()), -1, values.dtype.itemsize).astype(">i4")
    content = _bytes_of(values)
    if column.null_count:
        content = pc.if_else(column.is_null(), _empty(), content)
    return [_bytes_of(lengths), content]


def _big_endian(column: pa.Array) -> Any:
    if pa.types.is_date32(column.type):
        return (_filled(column.cast(pa.int32()), 0) - _EPOCH_DAYS).astype(">i4")
    if pa.types.is_timestamp(column.type):
        return (_filled(column.cast(pa.int64()), 0) - _EPOCH_MICROSECONDS).astype(">i8")
    if pa.types.is_boolean(column.type):
        return _filled(column.cast(pa.int8()), 0)
    values = _filled(column, 0)
    return values.astype(values.dtype.newbyteorder(">"))


def _vector_field(column: pa.Array) -> list[pa.Array]:
    # A slice of rows still holds the values of all rows; its offsets say which are its own.
    offsets = np.asarray(column.offsets)
    values = np.asarray(column.values)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    counts = np.diff(offsets)
    header = np.empty(len(column), _ARRAY_HEADER)
    header["dimensions"], header["has_nulls"], header["type"], header["first"] = 1, 0, _FLOAT4_OID, 1
    header["length"] = counts
    elements = np.empty(len(values), _ARRAY_ELEMENT)
    elements["bytes"], elements["value"] = 4, values
    content = pa.Array.from_buffers(
        pa.binary(),
        len(column),
        [None, pa.py_buffer((offsets * _ARRAY_ELEMENT.itemsize).astype(np.int32)), pa.py_buffer(elements.tobytes())],
    )
    lengths = (_ARRAY_HEADER.itemsize + counts * _ARRAY_ELEMENT.itemsize).astype(">i4")
    return [_bytes_of(lengths), _bytes_of(header), content]


def _filled(column: pa.Array, instead: int) -> Any:
    return pc.fill_null(column, instead).to_numpy(zero_copy_only=False)


def _bytes_of(values: NDArray[np.generic]) -> pa.Array:
    width = pa.binary(values.dtype.itemsize)
    return pa.FixedSizeBinaryArray.from_buffers(width, len(values), [None, pa.py_buffer(values.tobytes())]).cast(
        pa.binary()
    )
