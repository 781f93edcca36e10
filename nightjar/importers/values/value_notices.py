"""Counts in a checked source what was read as certain and would still make a person frown."""

import duckdb

from nightjar.contract.tables import TIMESTAMP
from nightjar.importers.columns import obligatory
from nightjar.importers.notices import Notice
from nightjar.importers.source import Source

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


def value_notices(connection: duckdb.DuckDBPyConnection, source: Source) -> list[Notice]:
    """Return what the accepted rows of a checked source have that should be named."""
    said = []
    for column in source.table.columns:
        name = column.name
        if name not in source.columns or name in source.options.constants:
            continue
        if column.type == TIMESTAMP:
            said += _times(connection, source, name)
        if name not in obligatory(source.table):
            said += _words(connection, source, name)
    return said


def _words(connection: duckdb.DuckDBPyConnection, source: Source, name: str) -> list[Notice]:
    rows = _count(connection, source, f"{name}_is_word")
    default = source.text_defaults.get(name)
    read_as = f"the default {default}" if default else "no value"
    return (
        [
            _notice(
                source,
                "words_for_no_value",
                name,
                f"{name} is a word for no value, such as null or nan, read as {read_as}",
                rows,
            )
        ]
        if rows
        else []
    )


def _times(connection: duckdb.DuckDBPyConnection, source: Source, name: str) -> list[Notice]:
    rows = connection.execute(
        f"""select {name}_kind, count(*) from {source.checked} where reason is null and {name}_kind is not null
        group by all order by 2 desc, 1"""
    ).fetchall()
    kinds: dict[str, int] = {}
    for kind, count in rows:
        said = TIME_KINDS.get(kind, kind)
        kinds[said] = kinds.get(said, 0) + count
    notices = []
    if len(kinds) > 1:
        listed = ", ".join(f"{count:,} as {kind}" for kind, count in kinds.items())
        notices.append(
            _notice(
                source,
                "times_of_several_kinds",
                name,
                f"{name} is written in several ways, each read as what it is: {listed}",
                sum(kinds.values()),
            )
        )
    zone = source.options.time_zone
    twice = _count(connection, source, f"{name}_is_twice") if zone is not None else 0
    if twice:
        notices.append(
            _notice(
                source,
                "times_that_come_twice",
                name,
                f"{name} occurs twice in {zone}, where clocks are put back; read as the first",
                twice,
            )
        )
    return notices


def _count(connection: duckdb.DuckDBPyConnection, source: Source, condition: str) -> int:
    counted = connection.execute(
        f"select count(*) from {source.checked} where reason is null and {condition}"
    ).fetchone()
    return int(counted[0]) if counted else 0


def _notice(source: Source, code: str, column: str, text: str, rows: int) -> Notice:
    return Notice(source.table.name, code, column, text, rows)
