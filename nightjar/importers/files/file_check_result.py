"""How one file would be imported: what `nightjar import check` prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nightjar.importers.files.file_formats import Format
from nightjar.importers.read_options import ReadOptions


@dataclass(frozen=True)
class FileCheck:
    """How one file would be imported.

    Attributes:
        file: As the user named it, or the first of a folder or pattern.
        files: How many there are.
        form: Text, JSON or Parquet.
        options: That read it.
        layout: Name of the layout with these options, if they are of one.
        columns: Column of the contract to the file's name of it.
        constants: Column of the contract to the value of every row.
        left_out: Columns of the file that are not read.
        estimated_rows: In this file; None where they cannot be estimated.
        checked_rows: Rows of the sample, rejected ones included.
        rejected: Reason to number of rows, the most frequent first.
        shown: The first accepted rows, by column.
        event_types: Type to number of rows.
        time_kinds: How `occurred_at` is written to number of rows: a unit, text with or without a zone, or others.
        first_time: The earliest `occurred_at` of the sample.
        last_time: The latest.
        notes: Of the readers.
        open_questions: What the user has to decide.
    """

    file: Path
    files: int
    form: Format
    options: ReadOptions
    layout: str | None
    columns: Mapping[str, str]
    constants: Mapping[str, str | None]
    left_out: list[str]
    estimated_rows: int | None
    checked_rows: int
    rejected: dict[str, int]
    shown: list[dict[str, Any]]
    event_types: dict[str, int] = field(default_factory=dict)
    time_kinds: dict[str, int] = field(default_factory=dict)
    first_time: datetime | None = None
    last_time: datetime | None = None
    notes: list[str] = field(default_factory=list)
    open_questions: list[str] = field(default_factory=list)

    @property
    def has_time_of_day(self) -> bool:
        """Whether a shown row has a time other than midnight."""
        times = [row["occurred_at"] for row in self.shown if isinstance(row.get("occurred_at"), datetime)]
        return any((each.hour, each.minute, each.second) != (0, 0, 0) for each in times)

    @property
    def usable_rows(self) -> int:
        """Rows of the sample that would be imported."""
        return self.checked_rows - sum(self.rejected.values())
