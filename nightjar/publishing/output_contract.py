"""Whether the Parquet files of a run's outputs have the columns and types of their tables.

Checked before anything is loaded, because both engines cast what can be cast: a text "7" would become a rank.
"""

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.arrow_types import ARROW_TYPES
from nightjar.contract.errors import NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import Table

_ADDED_ON_LOAD = ("publication_id", "data_date")
# Spark and Arrow write integers and floats of other widths for the same numbers: those do fit.
_KINDS = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    lambda kind: pa.types.is_list(kind) or pa.types.is_large_list(kind),
    pa.types.is_date,
    pa.types.is_timestamp,
)


def check_output(folder: RunFolder, table: Table) -> None:
    """Check the files of one output table.

    Raises:
        NightjarError: a file is none, lacks a column or holds another type; names file and column.
    """
    for path in sorted(folder.output(table.name).glob("*.parquet")):
        try:
            found = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise NightjarError(
                f"{path} does not fit {table.full_name}: {error}",
                code="unreadable_file",
                file=path,
                table=table.full_name,
            ) from error
        for column in table.columns:
            if column.name in _ADDED_ON_LOAD:
                continue
            if column.name not in found.names:
                raise NightjarError(
                    f"{path} does not fit {table.full_name}: it lacks {column.name}",
                    code="missing_columns",
                    file=path,
                    table=table.full_name,
                    columns=[column.name],
                )
            kind, expected = found.field(column.name).type, ARROW_TYPES[column.type]
            if not _alike(kind, expected):
                raise NightjarError(
                    f"{path} does not fit {table.full_name}: {column.name} is {kind}, expected {expected}",
                    code="wrong_type",
                    file=path,
                    table=table.full_name,
                    column=column.name,
                    value=str(kind),
                    expected=str(expected),
                )


def _alike(kind: pa.DataType, expected: pa.DataType) -> bool:
    if pa.types.is_list(expected) and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return _alike(kind.value_type, expected.value_type)
    return any(is_kind(kind) and is_kind(expected) for is_kind in _KINDS)
