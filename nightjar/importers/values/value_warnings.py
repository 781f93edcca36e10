"""Warnings about the accepted values of a checked source: null words, times of several kinds, ambiguous local times."""

import duckdb

from nightjar.contract.tables import TIMESTAMP
from nightjar.importers.column_matching import required_columns
from nightjar.importers.import_source import ImportSource
from nightjar.importers.import_warnings import RowWarning

TIME_KINDS = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "date": "YYYYMMDD",
    "datetime": "YYYYMMDDhhmmss",
    "datetime_ms": "YYYYMMDDhhmmssSSS",
    "zoned": "text with a zone",
    "region": "text with a zone",
    "local": "text without a zone",
}


def value_warnings(connection: duckdb.DuckDBPyConnection, source: ImportSource) -> list[RowWarning]:
    """Return the warnings about the accepted rows of a checked source."""
    warnings = []
    for column in source.table.columns:
        name = column.name
        if name not in source.columns or name in source.options.constants:
            continue
        if column.type == TIMESTAMP:
            warnings += _time_warnings(connection, source, name)
        if name not in required_columns(source.table):
            warnings += _null_word_warnings(connection, source, name)
    return warnings


def _null_word_warnings(connection: duckdb.DuckDBPyConnection, source: ImportSource, name: str) -> list[RowWarning]:
    rows = _count(connection, source, f"{name}_is_null_word")
    default = source.text_defaults.get(name)
    read_as = f"the default {default}" if default else "no value"
    return (
        [
            _warning(
                source,
                "words_for_no_value",
                name,
                f"{name} is a null word, such as null or nan, read as {read_as}",
                rows,
            )
        ]
        if rows
        else []
    )


def _time_warnings(connection: duckdb.DuckDBPyConnection, source: ImportSource, name: str) -> list[RowWarning]:
    rows = connection.execute(
        f"""select {name}_kind, count(*) from {source.checked} where reason is null and {name}_kind is not null
        group by all order by 2 desc, 1"""
    ).fetchall()
    kinds: dict[str, int] = {}
    for kind, count in rows:
        description = TIME_KINDS.get(kind, kind)
        kinds[description] = kinds.get(description, 0) + count
    warnings = []
    if len(kinds) > 1:
        listed = ", ".join(f"{count:,} as {kind}" for kind, count in kinds.items())
        warnings.append(
            _warning(
                source,
                "times_of_several_kinds",
                name,
                f"{name} is written in several ways, each read by its kind: {listed}",
                sum(kinds.values()),
            )
        )
    zone = source.options.time_zone
    twice = _count(connection, source, f"{name}_is_ambiguous") if zone is not None else 0
    if twice:
        warnings.append(
            _warning(
                source,
                "times_that_come_twice",
                name,
                f"{name} occurs twice in {zone}, where clocks are put back; read as the first",
                twice,
            )
        )
    return warnings


def _count(connection: duckdb.DuckDBPyConnection, source: ImportSource, condition: str) -> int:
    counted = connection.execute(
        f"select count(*) from {source.checked} where reason is null and {condition}"
    ).fetchone()
    return int(counted[0]) if counted else 0


def _warning(source: ImportSource, code: str, column: str, text: str, rows: int) -> RowWarning:
    return RowWarning(source.table.name, code, column, text, rows)
