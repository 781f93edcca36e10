"""Refuses Parquet files that hold far more than their size, before any row is kept.

A few kilobytes can decompress to terabytes. `compression` and `text_survey` do the same for compressed text.
"""

import glob
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.errors import BadInput
from nightjar.importers.files.compression import too_large_error
from nightjar.importers.files.text_format import LONGEST_LINE


def check_parquet_size(connection: duckdb.DuckDBPyConnection, path: Path, max_gb: int) -> None:
    """Check that a Parquet file holds at most so many gigabytes (10^9 bytes) of text.

    The size in its metadata is not trusted: the lengths of all values as text are added up, and one byte a value, as in
    a CSV.

    Raises:
        BadInput: it holds more, it is no such file, or it holds a value of more than 2 MB.
    """
    limit = max_gb * 10**9
    try:
        with pq.ParquetFile(path) as file:
            columns, rows = len(file.schema_arrow), int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path} is no readable Parquet file", code="unreadable_file", file=path) from error
    values = rows * columns
    if values > limit:
        raise too_large_error(path, max_gb)
    if not values:
        return
    # One figure a column; their names are the file's own and stay out of the statement.
    longest, text = (
        connection.execute(
            f"select {measure}(strlen(columns(*)::varchar)) from read_parquet(?, hive_partitioning = false)",
            [glob.escape(str(path))],
        ).fetchall()[0]
        for measure in ("max", "sum")
    )
    if max(length or 0 for length in longest) > LONGEST_LINE:
        raise BadInput(
            f"{path} has a value of more than {LONGEST_LINE:,} bytes",
            code="value_too_long",
            file=path,
            expected=LONGEST_LINE,
        )
    if values + sum(int(length or 0) for length in text) > limit:
        raise too_large_error(path, max_gb)
