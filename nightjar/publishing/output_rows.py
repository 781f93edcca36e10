"""Rows of a `recs` table as a Parquet folder of the run folder, held to the table's contract.

Writes and reads `outputs/<table>/`; used by the stages of ml. The loader adds publication_id and data_date.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.arrow_types import ARROW_TYPES
from nightjar.contract.atomic_files import written_aside
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import table

_ADDED_ON_LOAD = ("publication_id", "data_date")


def arrow_schema(name: str) -> pa.Schema:
    """Schema of the rows of `recs.<name>` as a run folder holds them."""
    return pa.schema(
        [
            pa.field(column.name, ARROW_TYPES[column.type], nullable=column.nullable)
            for column in table(f"recs.{name}").columns
            if column.name not in _ADDED_ON_LOAD
        ]
    )


def write_columns(folder: RunFolder, name: str, columns: Mapping[str, object]) -> None:
    """Replace the rows of one table by columns of equal length."""
    with written_aside(folder.output(name)) as aside:
        pq.write_table(pa.table(dict(columns), schema=arrow_schema(name)), aside / "part-0.parquet")


def write_rows(folder: RunFolder, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Replace the rows of one table."""
    with written_aside(folder.output(name)) as aside:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema(name)), aside / "part-0.parquet")


def read_rows(folder: RunFolder, name: str) -> list[dict[str, Any]]:
    """Read the rows of one table that an earlier stage wrote."""
    rows: list[dict[str, Any]] = pq.read_table(folder.output(name)).to_pylist()
    return rows
