"""The Arrow type of each type of the contract: how the columns of a table are held in Parquet and in memory."""

import pyarrow as pa

from nightjar.contract.tables import BIGINT, BOOLEAN, DATE, DOUBLE, INTEGER, REAL, TEXT, TIMESTAMP, VECTOR

ARROW_TYPES: dict[str, pa.DataType] = {
    TEXT: pa.string(),
    INTEGER: pa.int32(),
    BIGINT: pa.int64(),
    DOUBLE: pa.float64(),
    REAL: pa.float32(),
    BOOLEAN: pa.bool_(),
    DATE: pa.date32(),
    TIMESTAMP: pa.timestamp("us", tz="UTC"),
    VECTOR: pa.list_(pa.float32()),
}
