"""Warnings of an import: values that were read in a way that the user should check."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RowWarning:
    """One line of a command's output, printed as `warning: ...`.

    Attributes:
        table: Name of the raw table without its schema.
        code: The kind of reading, in one lowercase name.
        column: Of the values.
        text: One line, with the column.
        rows: Number of rows.
    """

    table: str
    code: str
    column: str
    text: str
    rows: int

    def __str__(self) -> str:
        return f"raw.{self.table}: {self.text} ({self.rows:,} row{'' if self.rows == 1 else 's'})"
