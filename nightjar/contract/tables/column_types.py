"""What a table and a column are, the types that all engines know, and the dbt tests that a table carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT, INTEGER, BIGINT, DOUBLE, REAL = "text", "integer", "bigint", "double", "real"
BOOLEAN, DATE, TIMESTAMP, VECTOR = "boolean", "date", "timestamptz", "real[]"


@dataclass(frozen=True)
class DataTest:
    """One dbt test of a table that does not follow from its key and its columns.

    Attributes:
        test: the generic test of `dbt_project/tests/generic`.
        name: what it is called where it fails.
        arguments: of the generic test.
    """

    test: str
    name: str
    arguments: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Column:
    """One column: its name, engine-neutral type, meaning with unit, and whether it may be null."""

    name: str
    type: str
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `schema.name`, what one row is, the columns that identify it, and more tests of its rows."""

    schema: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    tests: tuple[DataTest, ...] = field(default=(), compare=False)

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)
