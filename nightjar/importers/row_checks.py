"""Checks rows against the contract of their raw table, all rows of a source in one statement.

Reads a source's view; writes its `checked` table: line, every column of the contract with its type, `reason`, which
names every broken rule of the row and is null where there is none, and what the warnings count: the kind of every time
(`occurred_at_kind`), and which optional values were null words (`value_is_null_word`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import duckdb

from nightjar.contract.tables import BIGINT, DOUBLE, INTEGER, TEXT, TIMESTAMP, VECTOR, Column, Table
from nightjar.importers.column_matching import required_columns
from nightjar.importers.import_source import ImportSource
from nightjar.importers.import_warnings import RowWarning
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values import doubtful_times, ids, numbers, vectors
from nightjar.importers.values.sql_literals import literal
from nightjar.importers.values.texts import trimmed, without_null_words
from nightjar.importers.values.time_forms import plain_shape
from nightjar.importers.values.time_instants import is_ambiguous
from nightjar.importers.values.time_options import check_time_options
from nightjar.importers.values.times import TimeSteps, time_steps
from nightjar.importers.values.value_warnings import value_warnings

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
    source: ImportSource,
    imported_at: datetime,
    forms: Mapping[str, ids.IdForm] | None = None,
) -> list[RowWarning]:
    """Write the source's `checked` table and return warnings about how its values were read.

    Args:
        connection: An open transaction with time zone UTC.
        source: Its view must exist.
        imported_at: The import's time; times more than a day later are rejected as future.
        forms: Of `ids.survey` over all sources of the import; of this one alone where it is left out.

    Raises:
        BadInput: a time format or a zone of the options does not exist.
    """
    check_time_options(connection, source.options)
    forms = ids.survey(connection, [source]) if forms is None else forms
    statement = _statement(source, forms)
    # A default of a missing column leaves the parameter unused in some tables, which DuckDB refuses.
    parameters = {"imported_at": imported_at} if "$imported_at" in statement else {}
    connection.execute(statement, parameters)
    return [*ids.id_warnings(connection, source, forms), *value_warnings(connection, source)]


def _statement(source: ImportSource, forms: Mapping[str, ids.IdForm]) -> str:
    columns = source.table.columns
    steps = {column.name: _time_steps(source, column.name) for column in columns if column.type == TIMESTAMP}
    rows = f"select line, {', '.join(f'{_written(source, each)} as {each.name}_raw' for each in columns)}"
    rows += f" from {source.relation}"
    rows = _with(rows, {f"{name}_plain_shape": plain_shape(f"{name}_raw") for name in steps})
    rows = _with(rows, {f"{each.name}_trimmed": _trimmed(source, each) for each in columns})
    rows = _with(rows, {f"{each.name}_present": _present(source, each) for each in columns})
    rows = _with(rows, {f"{each.name}_filled": _filled(source, each) for each in columns})
    for step in _STEPS:
        rows = _with(rows, {f"{name}_{step}": getattr(each, step) for name, each in steps.items()})
    rows = _with(rows, {each.name: _typed(source, each, forms) for each in columns})
    must = required_columns(source.table)
    faults = [fault for column in columns for fault in _faults(source, column, column.name in must)]
    reason = f"nullif(concat_ws('; ', {', '.join([*faults, *_faults_between(source.table)])}), '') as reason"
    filled = [f"coalesce({name}, {_COMPUTED[name]}) as {name}" if name in _COMPUTED else name
              for name in source.table.column_names]  # fmt: skip
    selected = ", ".join(["line", *filled, reason, *_warning_columns(source)])
    return f"create temp table {source.checked} as select {selected} from ({rows})"


def _with(rows: str, values: Mapping[str, str]) -> str:
    """Return SQL for rows with more columns, in a step of its own, so that the next may use them by name."""
    more = "".join(f", {value} as {name}" for name, value in values.items())
    return f"select *{more} from ({rows})"


def _is_given(source: ImportSource, name: str) -> bool:
    return name in source.columns or name in source.options.constants


def _written(source: ImportSource, column: Column) -> str:
    if column.name in source.options.constants:
        return literal(source.options.constants[column.name])
    return column.name if column.name in source.columns else "null::varchar"


def _trimmed(source: ImportSource, column: Column) -> str:
    raw = f"{column.name}_raw"
    if not _is_given(source, column.name) or column.type == VECTOR:
        return raw
    if column.type == TIMESTAMP:
        return f"case when {column.name}_plain_shape is not null then {raw} else {trimmed(raw)} end"
    return trimmed(raw)


def _present(source: ImportSource, column: Column) -> str:
    if column.type == VECTOR:
        return f"{column.name}_trimmed"
    words = source.options.null_words if _is_given(source, column.name) else ()
    return without_null_words(f"{column.name}_trimmed", words)


def _filled(source: ImportSource, column: Column) -> str:
    default = source.text_defaults.get(column.name)
    return f"coalesce({column.name}_present, {literal(default)})" if default else f"{column.name}_present"


def _time_steps(source: ImportSource, name: str) -> TimeSteps:
    is_float = ids.kind_of_type(source, name) == "float"
    return time_steps(f"{name}_filled", name, _time_options(source, name), is_float=is_float)


def _time_options(source: ImportSource, name: str) -> ReadOptions:
    # A constant is typed by the user, so the format of the file's times does not apply.
    is_constant = name in source.options.constants
    return replace(source.options, time_format=None, time_unit=None) if is_constant else source.options


def _typed(source: ImportSource, column: Column, forms: Mapping[str, ids.IdForm]) -> str:
    filled = f"{column.name}_filled"
    if column.name in ids.ID_COLUMNS:
        return ids.decoded(source, column.name, filled, forms.get(column.name, ids.IdForm()))
    if column.type in (TEXT, VECTOR):
        return filled
    if column.type == TIMESTAMP:
        return _time_steps(source, column.name).instant
    number = numbers.number(filled, has_decimal_comma=source.options.decimal_comma)
    if column.type == DOUBLE:
        return number
    assert column.type in (INTEGER, BIGINT), column  # noqa: S101 a column of the contract
    return f"case when {number} = floor({number}) and abs({number}) <= {_MAX_INTEGER} then {number}::{column.type} end"


def _faults(source: ImportSource, column: Column, is_obligatory: bool) -> Iterator[str]:
    name, filled = column.name, f"{column.name}_filled"
    if column.type == VECTOR:
        yield from (_fault(*each) for each in vectors.faults(name, filled, source.vector_length))
        return
    if is_obligatory:
        word = f"coalesce(': ''' || {name}_trimmed || ''' means no value', '')"
        yield _fault(f"{filled} is null", f"'{name} is empty' || {word}")
    if column.type == TEXT:
        yield _fault(f"contains({filled}, chr(0))", f"'{name} holds a NUL character'")
        if name not in _FREE_TEXT:
            too_long = f"'{name} has ' || length({filled}) || ' characters, more than {TEXT_LENGTH}'"
            yield _fault(f"length({filled}) > {TEXT_LENGTH}", too_long)
        if name in ids.ID_COLUMNS:
            yield _wrong(name, f"{name} is null", ids.why_not_decoded(source, name, filled))
    elif column.type == TIMESTAMP:
        doubt = doubtful_times.why_not_read(filled, f"{name}_number", f"{name}_local", _time_options(source, name))
        yield _wrong(name, f"{name} is null", doubt)
        yield _wrong(name, f"{name} < timestamptz '1900-01-01 00:00:00+00'", "'lies before 1900'")
        if name not in _MAY_LIE_IN_THE_FUTURE:
            yield _wrong(name, f"{name} > $imported_at::timestamptz + interval 1 day", "'lies in the future'")
    elif column.type == DOUBLE:
        doubt = numbers.why_no_number(filled, has_decimal_comma=source.options.decimal_comma)
        yield _wrong(name, f"{name} is null", f"'is no finite number' || {doubt}")
        if name == "weight":
            yield _wrong(name, f"weight not between 0 and {MAX_WEIGHT}", f"'lies outside 0 to {MAX_WEIGHT}'")
    else:
        yield _wrong(name, f"coalesce({name} < 1, true)", "'is no integer of at least 1'")


def _faults_between(table: Table) -> list[str]:
    if "available_until" not in table.column_names:
        return []
    reason = (
        "'available_until ' || available_until_filled || ' lies not after available_from ' || available_from_filled"
    )
    return [_fault("available_until <= available_from", reason)]


def _wrong(name: str, condition: str, rule: str) -> str:
    shown = f"""'{name} ''' || left(replace({name}_filled, chr(0), ''), 60) || ''' ' || {rule}"""
    return _fault(f"{name}_filled is not null and {condition}", shown)


def _fault(condition: str, reason: str) -> str:
    return f"case when {condition} then {reason} end"


def _warning_columns(source: ImportSource) -> Iterator[str]:
    """Yield the columns that the warnings count."""
    zone = source.options.time_zone
    for column in source.table.columns:
        if not _is_given(source, column.name):
            continue
        yield f"{column.name}_present is null and {column.name}_trimmed is not null as {column.name}_is_null_word"
        if column.type == TIMESTAMP:
            yield f"{column.name}_kind"
            if zone is not None:
                yield f"{is_ambiguous(column.name, zone)} as {column.name}_is_ambiguous"
