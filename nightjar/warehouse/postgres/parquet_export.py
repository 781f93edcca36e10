"""Writes the rows of a query to Parquet as the server sends them, a batch at a time.

The server sends CSV, because Arrow reads it without a Python object per value. An empty field is null, a quoted empty
field an empty text.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from nightjar.contract.arrow_types import ARROW_TYPES
from nightjar.contract.errors import NightjarError
from nightjar.contract.tables import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, REAL, TEXT, TIMESTAMP, VECTOR
from nightjar.warehouse.postgres.connection import Session
from nightjar.warehouse.postgres.placeholders import translated
from nightjar.warehouse.protocol import Query

# By the names of psycopg's type registry.
_TYPES = {
    "bool": BOOLEAN,
    "date": DATE,
    "float4": REAL,
    "float4[]": VECTOR,
    "float8": DOUBLE,
    "int4": INTEGER,
    "int8": BIGINT,
    "text": TEXT,
    "timestamptz": TIMESTAMP,
    "varchar": TEXT,
}
# A row that is longer is refused.
_BLOCK_BYTES = 8 << 20


def export(session: Session, query: Query, path: Path) -> int:
    """Write the rows of a query to one Parquet file; return their number.

    Raises:
        NightjarError: a column has an unsupported type.
    """
    statement, parameters = translated(query[0]), query[1] or None
    schema = _schema(session, statement, parameters)
    rows = 0
    with (
        session.cursor() as cursor,
        cursor.copy(f"copy ({statement}) to stdout (format csv, header)".encode(), parameters) as copy,
        pq.ParquetWriter(path, schema, compression="zstd") as writer,
    ):
        for batch in _batches(copy, schema):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _schema(session: Session, statement: str, parameters: Any) -> pa.Schema:
    described = session.execute(f"select * from ({statement}) as described limit 0".encode(), parameters).description  # noqa: S608 a query of this project
    fields = []
    for column in described or []:
        known = session.adapters.types.get(column.type_code)
        # The registry has one entry for a type and the array of it.
        suffix = "[]" if known and known.array_oid == column.type_code else ""
        named = f"{known.name}{suffix}" if known else str(column.type_code)
        if named not in _TYPES:
            raise NightjarError(
                f"column {column.name} is of type {named}: expected one of {', '.join(_TYPES)}",
                code="wrong_type",
                column=column.name,
                value=named,
                expected=tuple(_TYPES),
            )
        fields.append(pa.field(column.name, ARROW_TYPES[_TYPES[named]]))
    return pa.schema(fields)


def _batches(copy: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    written = {field.name: pa.string() if pa.types.is_list(field.type) else field.type for field in schema}
    read = csv.open_csv(
        io.BufferedReader(_CopyStream(copy), _BLOCK_BYTES),
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=written,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    return (
        pa.record_batch([_typed(batch[field.name], field.type) for field in schema], schema=schema) for batch in read
    )


def _typed(column: pa.Array, type_: pa.DataType) -> pa.Array:
    # The server writes the shortest digits that give the same 32-bit float again: {0.1,-2}.
    return pc.split_pattern(pc.utf8_trim(column, "{}"), ",").cast(type_) if pa.types.is_list(type_) else column


class _CopyStream(io.RawIOBase):
    """The server's answer to `copy`, as a file."""

    def __init__(self, copy: Any) -> None:
        self._chunks = iter(copy)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """Fill the target from the chunks; the server sends one a row."""
        filled = 0
        while filled < len(target):
            if not self._left:
                self._left = memoryview(next(self._chunks, b""))
                if not self._left:
                    break
            chunk = self._left[: len(target) - filled]
            target[filled : filled + len(chunk)] = chunk
            self._left = self._left[len(chunk) :]
            filled += len(chunk)
        return filled
