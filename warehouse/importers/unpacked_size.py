"""Refuses packed files (gzip, Parquet) that hold far more than they weigh, before a row of them is kept.

A few kilobytes can unpack to terabytes. Files that are not packed weigh what they hold: their owner can see that.
"""

import glob
import gzip
import zlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import BadInput

_CHUNK_BYTES = 1 << 20
# As the longest line of a text file.
_LONGEST_VALUE = 2_000_000


def check_unpacked_size(connection: duckdb.DuckDBPyConnection, path: Path, max_gb: int) -> None:
    """Check that a file holds at most so many gigabytes (10^9 bytes) of text.

    What it says of its own size is not believed: a gzip file is unpacked once, up to the limit. Of a Parquet file the
    lengths of all values as text are added up, and one byte a value, as if it were a CSV.

    Raises:
        BadInput: it holds more, it is no such file, or a Parquet column is nested or holds a value of more than 2 MB.
    """
    if path.suffix.lower() == ".gz":
        too_large = _unpacks_to_more_than(max_gb * 10**9, path)
    elif path.suffix.lower() == ".parquet":
        too_large = _has_more_text_than(max_gb * 10**9, connection, path)
    else:
        return
    if too_large:
        raise BadInput(
            f"{path} holds more than {max_gb} GB, the most that NIGHTJAR_IMPORT_MAX_GB lets a packed file hold"
        )


def _unpacks_to_more_than(limit: int, path: Path) -> bool:
    unpacked = 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                unpacked += len(chunk)
                if unpacked > limit:
                    return True
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} is no gzip file of UTF-8 text") from error
    return False


def _has_more_text_than(limit: int, connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path} is no readable Parquet file") from error
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise BadInput(f"{path} has the nested column {nested[0]}: expected one value a row and column")
    values = rows * len(schema)
    if values > limit or values == 0:
        return values > limit
    # One figure a column; their names are the file's own and stay out of the statement.
    longest, text = (
        connection.execute(
            f"select {measure}(strlen(columns(*)::varchar)) from read_parquet(?)", [glob.escape(str(path))]
        ).fetchall()[0]
        for measure in ("max", "sum")
    )
    if max(length or 0 for length in longest) > _LONGEST_VALUE:
        raise BadInput(f"{path} has a value of more than {_LONGEST_VALUE:,} bytes")
    return values + sum(int(length or 0) for length in text) > limit
