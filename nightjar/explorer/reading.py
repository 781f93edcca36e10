"""Asks what an analyst may see, the readers' snapshot or a database: open, read, close, each question anew."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_for_analysts
from nightjar.warehouse.protocol import Connection

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """The answer of one query: names of columns, and rows in their order."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def column(self, name: str) -> list[Any]:
        """Return the values of one column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def by_column(self) -> dict[str, list[Any]]:
        """Return the values by the column's name, as tables and charts take them."""
        return {name: self.column(name) for name in self.columns}


def ask(connection: Connection, query: str, *parameters: object) -> Answer:
    """Run one query; whatever somebody typed is a parameter of it, never part of its text."""
    found = connection.execute(query, list(parameters))
    return Answer([column[0] for column in found.description or []], [tuple(row) for row in found.fetchall()])


def read(settings: Settings, question: Callable[[Connection], T]) -> T:
    """Answer all queries of one question from the same state of the warehouse.

    Raises:
        BadInput: there is no warehouse, it refuses the analysts' role, or dbt has not built what is asked for.
        NightjarError: it stayed busy for `explorer_busy_seconds`, or does not answer.
    """
    warehouse = open_for_analysts(settings, settings.explorer_busy_seconds)
    with warehouse.connect(read_only=True) as connection:
        try:
            return question(connection)
        except duckdb.CatalogException as error:
            missing = str(error).splitlines()[0].removeprefix("Catalog Error: ")
            raise BadInput(
                f"{warehouse.address}: {missing}; the next run builds what is missing",
                code="missing_table",
                warehouse=warehouse.address,
            ) from error
