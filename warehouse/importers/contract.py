"""Checks rows against the contract of their raw table, all rows of a source in one statement.

Reads a source's view; writes its `checked` table: line, every column of the contract with its type, and `reason`,
which names every broken rule of the row and is null where there is none.
"""

from datetime import datetime

import duckdb

from warehouse.importers.columns import obligatory
from warehouse.importers.source import Source
from warehouse.tables import BIGINT, DOUBLE, INTEGER, TEXT, TIMESTAMP, Column, Table

TEXT_LENGTH = 512
MAX_WEIGHT = 1000
_MAX_INTEGER = 2_147_483_647
# Unix times above are milliseconds: as seconds they would lie after the year 5138.
_FIRST_MILLISECONDS = 100_000_000_000
_LAST_MILLISECONDS = 10_000_000_000_000_000
_MAY_LIE_IN_THE_FUTURE = ("available_from", "available_until")
_FREE_TEXT = ("title",)

# chr(0) cannot occur in a checked id, so that two different events never join to the same text.
_COMPUTED = {
    "event_id": "md5(concat_ws(chr(0), user_id, item_id, event_type, coalesce(value::varchar, ''),"
    " epoch_us(occurred_at)))",
    "exposure_id": "md5(concat_ws(chr(0), user_id, item_id, rank, variant, coalesce(publication_id, ''),"
    " epoch_us(shown_at)))",
    "ingested_at": "$imported_at",
}


def check(connection: duckdb.DuckDBPyConnection, source: Source, imported_at: datetime) -> None:
    """Write the source's `checked` table.

    Args:
        connection: An open transaction with time zone UTC.
        source: Its view must exist.
        imported_at: The import's time; more than a day later is the future.
    """
    columns = source.table.columns
    must = obligatory(source.table)
    told = ", ".join(f"{_told(source, column)} as {column.name}_told" for column in columns)
    typed = ", ".join(f"{_typed(column)} as {column.name}" for column in columns)
    faults = ", ".join(fault for column in columns for fault in _faults(column, column.name in must))
    faults += "".join(f", {fault}" for fault in _faults_between(source.table))
    filled = ", ".join(
        f"coalesce({name}, {_COMPUTED[name]}) as {name}" if name in _COMPUTED else name
        for name in source.table.column_names
    )
    statement = f"""create temp table {source.checked} as
        with told as (select line, {told} from {source.relation}),
        typed as (select *, {typed} from told)
        select line, {filled}, nullif(concat_ws('; ', {faults}), '') as reason from typed"""
    # A default of a missing column leaves the parameter unused in some tables, which DuckDB refuses.
    parameters = {"imported_at": imported_at} if "$imported_at" in statement else {}
    connection.execute(statement, parameters)


def _told(source: Source, column: Column) -> str:
    text = f"nullif({column.name}, '')" if column.name in source.columns else "null::varchar"
    default = source.text_defaults.get(column.name)
    return f"coalesce({text}, '{default}')" if default else text


def _typed(column: Column) -> str:
    told = f"{column.name}_told"
    if column.type == TEXT:
        return told
    if column.type == TIMESTAMP:
        return instant(told)
    number = f"try_cast({told} as double)"
    if column.type == DOUBLE:
        return f"case when isfinite({number}) then {number} end"
    assert column.type in (INTEGER, BIGINT), column
    return f"case when {number} = floor({number}) and abs({number}) <= {_MAX_INTEGER} then {number}::{column.type} end"


def instant(text: str) -> str:
    """Return SQL that reads a text as an instant: ISO 8601 (UTC where no zone is given) or unix seconds or ms."""
    number = f"try_cast({text} as double)"
    return f"""case
        when regexp_full_match({text}, '(19|20)[0-9]{{6}}') then try_strptime({text}, '%Y%m%d')::timestamptz
        when abs({number}) <= {_FIRST_MILLISECONDS} then to_timestamp({number})
        when abs({number}) < {_LAST_MILLISECONDS} then to_timestamp({number} / 1000)
        when {number} is null and isfinite(try_cast({text} as timestamptz)) then try_cast({text} as timestamptz)
        end"""


def _faults(column: Column, is_obligatory: bool) -> list[str]:
    name, told = column.name, f"{column.name}_told"
    faults = []
    if is_obligatory:
        faults.append(_fault(f"coalesce(trim({told}), '') = ''", f"'{name} is empty'"))
    if column.type == TEXT:
        faults.append(_fault(f"contains({told}, chr(0))", f"'{name} holds a NUL character'"))
        if name not in _FREE_TEXT:
            too_long = f"'{name} has ' || length({told}) || ' characters, more than {TEXT_LENGTH}'"
            faults.append(_fault(f"length({told}) > {TEXT_LENGTH}", too_long))
    elif column.type == TIMESTAMP:
        faults.append(_wrong(name, f"{name} is null", "is no timestamp"))
        faults.append(_wrong(name, f"{name} < timestamptz '1900-01-01 00:00:00+00'", "lies before 1900"))
        if name not in _MAY_LIE_IN_THE_FUTURE:
            faults.append(_wrong(name, f"{name} > $imported_at::timestamptz + interval 1 day", "lies in the future"))
    elif column.type == DOUBLE:
        faults.append(_wrong(name, f"{name} is null", "is no finite number"))
        if name == "weight":
            faults.append(_wrong(name, f"weight not between 0 and {MAX_WEIGHT}", f"lies outside 0 to {MAX_WEIGHT}"))
    else:
        faults.append(_wrong(name, f"coalesce({name} < 1, true)", "is no integer of at least 1"))
    return faults


def _faults_between(table: Table) -> list[str]:
    if "available_until" not in table.column_names:
        return []
    reason = "'available_until ' || available_until_told || ' lies not after available_from ' || available_from_told"
    return [_fault("available_until <= available_from", reason)]


def _wrong(name: str, condition: str, rule: str) -> str:
    shown = f"""'{name} ''' || left(replace({name}_told, chr(0), ''), 60) || ''' {rule}'"""
    return _fault(f"trim({name}_told) <> '' and {condition}", shown)


def _fault(condition: str, reason: str) -> str:
    return f"case when {condition} then {reason} end"
