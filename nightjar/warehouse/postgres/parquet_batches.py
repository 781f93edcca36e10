"""Reads the Parquet files of one output table, a batch at a time, as rows of its contract."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.arrow_types import ARROW_TYPES
from nightjar.contract.errors import NightjarError
from nightjar.contract.tables import Column, Table

# About 9 MB of user embeddings of dimension 64. The server reads one batch while the next one is made.
BATCH_ROWS = 16_384


def read_batches(table: Table, folder: Path, constants: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a folder with all columns of the table, those of `constants` filled in.

    Raises:
        NightjarError: the folder holds no Parquet file, or one that does not fit the table.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise NightjarError(
            f"{folder} does not fit {table.full_name}: it holds no Parquet file",
            code="rows_do_not_fit",
            path=folder,
            table=table.full_name,
        )
    given = [column.name for column in table.columns if column.name not in constants]
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                if lacking := [name for name in given if name not in file.schema_arrow.names]:
                    raise NightjarError(
                        f"{path} does not fit {table.full_name}: it lacks {', '.join(lacking)}",
                        code="rows_do_not_fit",
                        path=folder,
                        table=table.full_name,
                        columns=lacking,
                    )
                for batch in file.iter_batches(BATCH_ROWS, columns=given):
                    yield _as_contracted(table, batch, constants)
        except (pa.ArrowException, OSError) as error:
            raise NightjarError(
                f"{path} does not fit {table.full_name}: {error}",
                code="rows_do_not_fit",
                path=folder,
                table=table.full_name,
            ) from error


def _as_contracted(table: Table, batch: pa.RecordBatch, constants: Mapping[str, Any]) -> pa.RecordBatch:
    columns = {}
    for column in table.columns:
        kind = ARROW_TYPES[column.type]
        if column.name in constants:
            columns[column.name] = pa.repeat(pa.scalar(constants[column.name], kind), batch.num_rows)
        else:
            columns[column.name] = batch.column(column.name).cast(kind)
            _check_nulls(column, columns[column.name])
    return pa.record_batch(columns)


def _check_nulls(column: Column, values: pa.Array) -> None:
    if not column.nullable and values.null_count:
        raise pa.ArrowInvalid(f"{column.name} is null in {values.null_count} rows")
    if pa.types.is_list(values.type) and values.values.null_count:
        raise pa.ArrowInvalid(f"{column.name} holds a null")
