"""Checks rows against the contract of their raw table, all rows of a source in one statement.

Reads a source's view; writes its `checked` table: line, every column of the contract with its type, `reason`, which
names every broken rule of the row and is null where there is none, and what the notices count: the kind of every time
(`occurred_at_kind`), and which optional values were words for none (`value_is_word`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import duckdb

from nightjar.contract.tables import BIGINT, DOUBLE, INTEGER, TEXT, TIMESTAMP, Column, Table
from nightjar.importers.columns import obligatory
from nightjar.importers.notices import Notice
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.source import Source
from nightjar.importers.values import doubtful_times, ids, numbers, times
from nightjar.importers.values.sql_texts import literal
from nightjar.importers.values.texts import trimmed, without_words
from nightjar.importers.values.value_notices import value_notices

TEXT_LENGTH = 512
MAX_WEIGHT = 1000
_MAX_INTEGER = 2_147_483_647
_MAY_LIE_IN_THE_FUTURE = ("available_from", "available_until")
_FREE_TEXT = ("title",)
_STEPS = ("shape", "number", "fraction", "written", "kind", "local")

# chr(0) cannot occur in a checked id, so that two different events never join to the same text.
_COMPUTED = {
    "event_id": "md5(concat_ws(chr(0), user_id, item_id, event_type, coalesce(value::varchar, ''),"
    " epoch_us(occurred_at)))",
    "exposure_id": "md5(concat_ws(chr(0), user_id, item_id, rank, variant, coalesce(publication_id, ''),"
    " epoch_us(shown_at)))",
    "ingested_at": "$imported_at",
}


def check(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    imported_at: datetime,
    forms: Mapping[str, ids.IdForm] | None = None,
) -> list[Notice]:
    """Write the source's `checked` table and return what a person should know of how its values were read.

    Args:
        connection: An open transaction with time zone UTC.
        source: Its view must exist.
        imported_at: The import's time; more than a day later is the future.
        forms: What `ids.survey` found in all sources of the import; in this one alone where it is left out.

    Raises:
        BadInput: the options hold a time format or a zone that does not exist.
    """
    times.check_options(connection, source.options)
    forms = ids.survey(connection, [source]) if forms is None else forms
    statement = _statement(source, forms)
    # A default of a missing column leaves the parameter unused in some tables, which DuckDB refuses.
    parameters = {"imported_at": imported_at} if "$imported_at" in statement else {}
    connection.execute(statement, parameters)
    return [*ids.notices(connection, source, forms), *value_notices(connection, source)]


def _statement(source: Source, forms: Mapping[str, ids.IdForm]) -> str:
    columns = source.table.columns
    steps = {column.name: _time_steps(source, column.name) for column in columns if column.type == TIMESTAMP}
    rows = f"select line, {', '.join(f'{_written(source, each)} as {each.name}_raw' for each in columns)}"
    rows += f" from {source.relation}"
    rows = _with(rows, {f"{name}_plain_shape": times.plain_shape(f"{name}_raw") for name in steps})
    rows = _with(rows, {f"{each.name}_trimmed": _trimmed(source, each) for each in columns})
    rows = _with(rows, {f"{each.name}_said": _said(source, each) for each in columns})
    rows = _with(rows, {f"{each.name}_told": _told(source, each) for each in columns})
    for step in _STEPS:
        rows = _with(rows, {f"{name}_{step}": getattr(each, step) for name, each in steps.items()})
    rows = _with(rows, {each.name: _typed(source, each, forms) for each in columns})
    must = obligatory(source.table)
    faults = [fault for column in columns for fault in _faults(source, column, column.name in must)]
    reason = f"nullif(concat_ws('; ', {', '.join([*faults, *_faults_between(source.table)])}), '') as reason"
    filled = [f"coalesce({name}, {_COMPUTED[name]}) as {name}" if name in _COMPUTED else name
              for name in source.table.column_names]  # fmt: skip
    selected = ", ".join(["line", *filled, reason, *_noted(source)])
    return f"create temp table {source.checked} as select {selected} from ({rows})"


def _with(rows: str, values: Mapping[str, str]) -> str:
    """Return SQL for rows with more columns, in a step of its own, so that the next may use them by name."""
    more = "".join(f", {value} as {name}" for name, value in values.items())
    return f"select *{more} from ({rows})"


def _is_given(source: Source, name: str) -> bool:
    return name in source.columns or name in source.options.constants


def _written(source: Source, column: Column) -> str:
    if column.name in source.options.constants:
        return literal(source.options.constants[column.name])
    return column.name if column.name in source.columns else "null::varchar"


def _trimmed(source: Source, column: Column) -> str:
    raw = f"{column.name}_raw"
    if not _is_given(source, column.name):
        return raw
    if column.type == TIMESTAMP:
        return f"case when {column.name}_plain_shape is not null then {raw} else {trimmed(raw)} end"
    return trimmed(raw)


def _said(source: Source, column: Column) -> str:
    words = source.options.null_words if _is_given(source, column.name) else ()
    return without_words(f"{column.name}_trimmed", words)


def _told(source: Source, column: Column) -> str:
    default = source.text_defaults.get(column.name)
    return f"coalesce({column.name}_said, {literal(default)})" if default else f"{column.name}_said"


def _time_steps(source: Source, name: str) -> times.TimeSteps:
    is_float = ids.kind_of_type(source, name) == "float"
    return times.steps(f"{name}_told", name, _time_options(source, name), is_float=is_float)


def _time_options(source: Source, name: str) -> ReadOptions:
    # A constant is written by the person who names it, not as the times of the file are.
    is_constant = name in source.options.constants
    return replace(source.options, time_format=None, time_unit=None) if is_constant else source.options


def _typed(source: Source, column: Column, forms: Mapping[str, ids.IdForm]) -> str:
    told = f"{column.name}_told"
    if column.name in ids.ID_COLUMNS:
        return ids.decoded(source, column.name, told, forms.get(column.name, ids.IdForm()))
    if column.type == TEXT:
        return told
    if column.type == TIMESTAMP:
        return _time_steps(source, column.name).instant
    number = numbers.number(told, has_decimal_comma=source.options.decimal_comma)
    if column.type == DOUBLE:
        return number
    assert column.type in (INTEGER, BIGINT), column  # noqa: S101 a column of the contract
    return f"case when {number} = floor({number}) and abs({number}) <= {_MAX_INTEGER} then {number}::{column.type} end"


def _faults(source: Source, column: Column, is_obligatory: bool) -> Iterator[str]:
    name, told = column.name, f"{column.name}_told"
    if is_obligatory:
        word = f"coalesce(': ''' || {name}_trimmed || ''' stands for no value', '')"
        yield _fault(f"{told} is null", f"'{name} is empty' || {word}")
    if column.type == TEXT:
        yield _fault(f"contains({told}, chr(0))", f"'{name} holds a NUL character'")
        if name not in _FREE_TEXT:
            too_long = f"'{name} has ' || length({told}) || ' characters, more than {TEXT_LENGTH}'"
            yield _fault(f"length({told}) > {TEXT_LENGTH}", too_long)
        if name in ids.ID_COLUMNS:
            yield _wrong(name, f"{name} is null", ids.why_not_decoded(source, name, told))
    elif column.type == TIMESTAMP:
        doubt = doubtful_times.why_not_read(told, f"{name}_number", f"{name}_local", _time_options(source, name))
        yield _wrong(name, f"{name} is null", doubt)
        yield _wrong(name, f"{name} < timestamptz '1900-01-01 00:00:00+00'", "'lies before 1900'")
        if name not in _MAY_LIE_IN_THE_FUTURE:
            yield _wrong(name, f"{name} > $imported_at::timestamptz + interval 1 day", "'lies in the future'")
    elif column.type == DOUBLE:
        doubt = numbers.why_no_number(told, has_decimal_comma=source.options.decimal_comma)
        yield _wrong(name, f"{name} is null", f"'is no finite number' || {doubt}")
        if name == "weight":
            yield _wrong(name, f"weight not between 0 and {MAX_WEIGHT}", f"'lies outside 0 to {MAX_WEIGHT}'")
    else:
        yield _wrong(name, f"coalesce({name} < 1, true)", "'is no integer of at least 1'")


def _faults_between(table: Table) -> list[str]:
    if "available_until" not in table.column_names:
        return []
    reason = "'available_until ' || available_until_told || ' lies not after available_from ' || available_from_told"
    return [_fault("available_until <= available_from", reason)]


def _wrong(name: str, condition: str, rule: str) -> str:
    shown = f"""'{name} ''' || left(replace({name}_told, chr(0), ''), 60) || ''' ' || {rule}"""
    return _fault(f"{name}_told is not null and {condition}", shown)


def _fault(condition: str, reason: str) -> str:
    return f"case when {condition} then {reason} end"


def _noted(source: Source) -> Iterator[str]:
    """Yield the columns that the notices count."""
    zone = source.options.time_zone
    for column in source.table.columns:
        if not _is_given(source, column.name):
            continue
        yield f"{column.name}_said is null and {column.name}_trimmed is not null as {column.name}_is_word"
        if column.type == TIMESTAMP:
            yield f"{column.name}_kind"
            if zone is not None:
                yield f"{times.is_twice(column.name, zone)} as {column.name}_is_twice"
