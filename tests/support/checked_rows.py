"""Checks rows made by hand against the contract of a raw table, in memory."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from nightjar.importers.column_matching import IMPORTABLE
from nightjar.importers.import_source import ImportSource, define
from nightjar.importers.import_warnings import RowWarning
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values import ids

IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
USUAL = {"user_id": "u", "item_id": "i", "occurred_at": "2026-03-01", "shown_at": "2026-03-01", "rank": "1"}


@dataclass(frozen=True)
class Rejected:
    """A rejected row, by the columns whose rules it breaks; its reason is text for people, of the wording file."""

    columns: tuple[str, ...]


def rejected_for(*columns: str) -> Rejected:
    """Return what stands for a row that breaks rules of these columns, in their order."""
    return Rejected(columns)


def columns_of(reason: str) -> Rejected:
    """Return the columns that a reason names, one at the beginning of each of its parts; none of an unreadable line."""
    names = {column for table in IMPORTABLE.values() for column in table.column_names}
    return Rejected(tuple(name for name in re.findall(r"(?:^|; )(\w+) ", reason) if name in names))


@dataclass(frozen=True)
class Checked:
    """What became of the rows, in their order: the accepted ones by column, and why the others were rejected."""

    rows: list[dict[str, Any] | None]
    reasons: list[str | None]
    warnings: list[RowWarning]

    def values(self, column: str) -> list[Any]:
        """Values of one column; of a rejected row the columns whose rules it breaks."""
        pairs = zip(self.rows, self.reasons, strict=True)
        return [columns_of(reason or "") if row is None else row[column] for row, reason in pairs]

    @property
    def reasons_in_lines(self) -> str:
        """Why rows were rejected, for the wording file."""
        return "\n".join(reason for reason in self.reasons if reason)


def check_rows(
    rows: Sequence[Mapping[str, str | None]],
    table: str = "interactions",
    types: Mapping[str, str] | None = None,
    others: Sequence[Mapping[str, str | None]] = (),
    **options: Any,
) -> Checked:
    """Check rows as if a file held them; required columns that no row gives are filled in.

    Args:
        rows: By column, as text.
        table: The raw table they are meant for.
        types: SQL types of the columns, where a file has them.
        others: Rows of another source of the same import and table.
        options: Of ReadOptions.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        read = ReadOptions(**options)
        source = _source(connection, table, table, rows, types or {}, read)
        other = [_source(connection, "other", table, others, {}, read)] if others else []
        forms = ids.survey(connection, [source, *other])
        warnings = check(connection, source, IMPORTED_AT, forms)
        names = IMPORTABLE[table].column_names
        found = connection.execute(f"select reason, {', '.join(names)} from {source.checked} order by line").fetchall()
    accepted = [None if row[0] else dict(zip(names, row[1:], strict=True)) for row in found]
    return Checked(accepted, [row[0] for row in found], warnings)


def _source(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: str,
    rows: Sequence[Mapping[str, str | None]],
    types: Mapping[str, str],
    options: ReadOptions,
) -> ImportSource:
    contract = IMPORTABLE[table]
    given = {column for row in rows for column in row} | {*options.constants}
    needed = {column for column in USUAL if column in contract.column_names}
    columns = [column for column in contract.column_names if column in given | needed]
    connection.execute(f"create table {name}_rows (line bigint, {', '.join(f'{each} varchar' for each in columns)})")
    for line, row in enumerate(rows):
        values = [row.get(each, None if each in given else USUAL.get(each)) for each in columns]
        connection.execute(f"insert into {name}_rows values (?{', ?' * len(columns)})", [line, *values])
    source = ImportSource(name, contract, (name,), tuple(columns), options=options, types=dict(types))
    return define(connection, source, f"select *, null as content from {name}_rows")


def times(written: Sequence[str], **options: Any) -> list[Any]:
    """Return the instant of each time, or that it was rejected."""
    return check_rows([{"occurred_at": each} for each in written], **options).values("occurred_at")


def user_ids(written: Sequence[str | None], types: Mapping[str, str] | None = None, **options: Any) -> list[Any]:
    """Return the id that each was read as, or that it was rejected."""
    return check_rows([{"user_id": each} for each in written], types=types, **options).values("user_id")
