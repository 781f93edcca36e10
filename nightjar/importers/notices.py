"""What an import says beside its counts: readings that are certain enough to be made and odd enough to be named."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """One line of a command's output, printed as `warning: ...`.

    Attributes:
        table: Name of the raw table without its schema.
        code: What was read in which way, in one lowercase name.
        column: Whose values it concerns.
        text: The same for people, with the column; one line.
        rows: How many rows it concerns.
    """

    table: str
    code: str
    column: str
    text: str
    rows: int

    def __str__(self) -> str:
        return f"raw.{self.table}: {self.text} ({self.rows:,} row{'' if self.rows == 1 else 's'})"
