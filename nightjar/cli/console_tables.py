"""Prints query results as tables on the console."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from nightjar.warehouse.protocol import Connection


def plain_console(width: int) -> Console:
    """Return a console that prints ids and titles literally: `[REC]` is a film and `:cat:` an id, not markup."""
    return Console(width=width, highlight=False, markup=False, emoji=False)


def print_query(console: Console, connection: Connection, title: str, query: str, parameters: Any = None) -> int:
    """Print the rows of a query as a table, if there are any; return their number."""
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description or []]
    return print_rows(console, title, names, result.fetchall())


def print_rows(console: Console, title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Print rows as a table, if there are any; return their number."""
    table = Table(*names, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    if rows:
        console.print(table)
    return len(rows)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        # To the second: the tables are narrow.
        return value.isoformat(" ", "seconds")
    return f"{value:.3f}" if isinstance(value, float) else str(value)
