"""One input of an import as the later steps see it, whatever file or generator it came from."""

from dataclasses import dataclass, field

import duckdb

from warehouse.importers.columns import TEXT_DEFAULTS
from warehouse.importers.options import ReadOptions
from warehouse.tables import Table


@dataclass(frozen=True)
class Source:
    """Rows meant for one raw table, not yet checked.

    Attributes:
        name: Unique within one import; the temporary relations of this source carry it.
        table: The raw table the rows are meant for.
        file: What `raw.rejected_rows` calls the file: its name without the folders.
        columns: The contract's columns that the source gives; the others are missing.
        unread: Temporary table of lines that could not be split into columns: line, reason, content.
        text_defaults: What stands where a text is missing.
        options: How the values are written: time format, unit and zone, words for no value, constants.
        types: Of columns that the file itself types (Parquet), the SQL type there; of the others nothing is known.
    """

    name: str
    table: Table
    file: str
    columns: tuple[str, ...]
    unread: str | None = None
    text_defaults: dict[str, str] = field(default_factory=lambda: dict(TEXT_DEFAULTS))
    options: ReadOptions = field(default_factory=ReadOptions)
    types: dict[str, str] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        """Temporary view of the rows: line, content and the given columns as text."""
        return f"source_{self.name}"

    @property
    def checked(self) -> str:
        """Temporary table that the check writes: line, every column of the contract, reason."""
        return f"checked_{self.name}"


def define(connection: duckdb.DuckDBPyConnection, source: Source, select: str) -> Source:
    """Create the source's view from a select of line, content and the given columns as text; return the source."""
    connection.execute(f"create temp view {source.relation} as {select}")
    return source
