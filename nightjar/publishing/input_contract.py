"""Whether the raw tables have the columns and types of the contract.

Checked before a run begins: somebody else fills and may change these tables, and the models cast what can be cast, so
that a `value` that became text would fail hours later or, worse, not at all.
"""

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import BIGINT, DOUBLE, INTEGER, RAW, TEXT, TIMESTAMP, VECTOR
from nightjar.warehouse.protocol import Connection

# As the engines call them in information_schema; numbers of another width do fit.
_WHOLE = {"smallint", "integer", "bigint"}
_FITTING = {
    TEXT: {"text", "varchar", "character varying"},
    INTEGER: _WHOLE,
    BIGINT: _WHOLE,
    DOUBLE: {"double", "double precision", "real", "float"},
    TIMESTAMP: {"timestamp with time zone"},
    VECTOR: {"float[]", "_float4"},
}
# PostgreSQL calls every array ARRAY; the other name has the type of its elements.
_COLUMNS = """
    select table_name, column_name, lower(case when data_type = 'ARRAY' then udt_name else data_type end)
    from information_schema.columns where table_schema = 'raw'
"""
# A warehouse of an earlier version gets these tables when the run begins.
_ADDED = ("event_weights", "item_vectors", "user_vectors")


def check_inputs(connection: Connection) -> None:
    """Check columns and types of every raw table.

    Raises:
        BadInput: a column is missing or of another type; names every one.
    """
    found = {(table, column): kind for table, column, kind in connection.execute(_COLUMNS).fetchall()}
    missing, differing = {}, {}
    for table in RAW:
        if table.name in _ADDED and not any(name == table.name for name, _ in found):
            continue
        for column in table.columns:
            name, kind = f"{table.full_name}.{column.name}", found.get((table.name, column.name))
            if kind is None:
                missing[name] = f"{table.full_name} lacks {column.name}"
            elif kind not in _FITTING[column.type]:
                differing[name] = f"{name} is {kind}, expected {column.type}"
    if missing or differing:
        raise BadInput(
            f"the raw tables do not fit their contract: {'; '.join([*missing.values(), *differing.values()])}",
            code="missing_columns" if missing else "wrong_type",
            columns=[*missing, *differing],
        )
