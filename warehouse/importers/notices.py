"""What an import says beside its counts: readings that are certain enough to be made and odd enough to be named."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """One line of a command's output, printed as `warning: ...`.

    Attributes:
        table: Name of the raw table without its schema.
        text: What was read in which way, with the column; one line.
        rows: How many rows it concerns.
    """

    table: str
    text: str
    rows: int

    def __str__(self) -> str:
        return f"raw.{self.table}: {self.text} ({self.rows:,} row{'' if self.rows == 1 else 's'})"
