"""One input of an import, from a file or a generator."""

from dataclasses import dataclass, field

import duckdb

from nightjar.contract.tables import Table
from nightjar.importers.column_matching import TEXT_DEFAULTS
from nightjar.importers.read_options import ReadOptions

LINES_OF_A_FILE = 1 << 40


@dataclass(frozen=True)
class ImportSource:
    """Rows meant for one raw table, not yet checked.

    Attributes:
        name: Unique within one import; the temporary relations of this source carry it.
        table: The raw table the rows are meant for.
        files: Name of each file in `raw.rejected_rows`: without the folders, unless another has the same.
        columns: The contract's columns that the source gives; the others are missing.
        unread: Temporary table of lines that could not be split into columns: line, reason, content.
        text_defaults: Values of missing texts.
        options: How the values are written: time format, unit and zone, null words, constants.
        types: SQL types of the columns that the file itself types (Parquet).
        vector_length: Numbers that each vector must hold; None: no row has a vector of a usable length.
    """

    name: str
    table: Table
    files: tuple[str, ...]
    columns: tuple[str, ...]
    unread: str | None = None
    text_defaults: dict[str, str] = field(default_factory=lambda: dict(TEXT_DEFAULTS))
    options: ReadOptions = field(default_factory=ReadOptions)
    types: dict[str, str] = field(default_factory=dict)
    vector_length: int | None = None

    @property
    def relation(self) -> str:
        """Temporary view of the rows: line, content and the given columns, vectors as lists, all else as text.

        The lines of the n-th file, from 0, are moved on by n times `LINES_OF_A_FILE`.
        """
        return f"source_{self.name}"

    @property
    def checked(self) -> str:
        """Temporary table that the check writes: line, every column of the contract, reason."""
        return f"checked_{self.name}"


def define(connection: duckdb.DuckDBPyConnection, source: ImportSource, select: str) -> ImportSource:
    """Create the source's view from a select of line, content and the given columns as text; return the source."""
    connection.execute(f"create temp view {source.relation} as {select}")
    return source
