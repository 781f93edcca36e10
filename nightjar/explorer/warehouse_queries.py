"""Queries what analysts may read, the readers' snapshot or a database; each page opens, reads and closes it."""

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
class QueryResult:
    """The result of one query: column names, and rows in their order."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def column(self, name: str) -> list[Any]:
        """Return the values of one column."""
        position = self.columns.index(name)
        return [row[position] for row in self.rows]

    def by_column(self) -> dict[str, list[Any]]:
        """Return the values by the column's name, as tables and charts expect them."""
        return {name: self.column(name) for name in self.columns}


def run_query(connection: Connection, sql: str, *parameters: object) -> QueryResult:
    """Run one query; typed text is a parameter, never part of the SQL."""
    cursor = connection.execute(sql, list(parameters))
    return QueryResult([column[0] for column in cursor.description or []], [tuple(row) for row in cursor.fetchall()])


def query_warehouse(settings: Settings, query: Callable[[Connection], T]) -> T:
    """Run `query` on one connection, so that all its statements see the same state of the warehouse.

    Raises:
        BadInput: there is no warehouse, it refuses the analysts' role, or dbt has not built what it reads.
        NightjarError: it stayed busy for `explorer_busy_seconds`, or does not answer.
    """
    warehouse = open_for_analysts(settings, settings.explorer_busy_seconds)
    with warehouse.connect(read_only=True) as connection:
        try:
            return query(connection)
        except duckdb.CatalogException as error:
            missing = str(error).splitlines()[0].removeprefix("Catalog Error: ")
            raise BadInput(
                f"{warehouse.address}: {missing}; the next run builds it",
                code="missing_table",
                warehouse=warehouse.address,
            ) from error
