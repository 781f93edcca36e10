"""How one text file is written, as its readers need to know."""

from dataclasses import dataclass

CONTENT_LENGTH = 1000
"""Characters that are kept of a row that is rejected."""
LONGEST_LINE = 2_000_000


@dataclass(frozen=True)
class TextFormat:
    """How one text file is written; `columns` names its fields in order (names from code, never from the file)."""

    columns: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    encoding: str = "utf-8"
    escape: str | None = None

    @property
    def is_escaped(self) -> bool:
        """Whether another character than the quote itself stands before a quote inside a field."""
        return self.escape not in (None, "", self.quote)
