"""How the files of one import are written, from the command line or a layout file.

Used by the readers (`columns`, delimiter and the like) and by the check of the values (times, null words).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TimeUnit = Literal["s", "ms", "us", "ns"]

NULL_WORDS = ("null", "nan", "none", "\\n", "na", "n/a", "nil", "<na>")
"""Words that mean no value, compared in lower case and trimmed: an id of these is empty."""


@dataclass(frozen=True)
class ReadOptions:
    """A field that is None is detected from the file, or refused where it cannot be.

    Attributes:
        columns: Column of the contract to the file's name of it; the number of the field, from 1, in a file without a
            header; a path such as `items[].item_id` in JSON lines.
        constants: Column of the contract to the text that every row has there, such as a date where files have none.
        delimiter: Text between two fields.
        quote: Character around fields; empty for none.
        escape: Character before a quote inside a quoted field.
        encoding: Of text files, such as utf-8 or latin-1.
        header: Whether the first line names the columns.
        time_format: Of all times, in the directives of strptime; `excel` for the serial days of spreadsheets.
        time_unit: Of times that are numbers.
        time_zone: IANA name of the zone of times without one; UTC unless set.
        ignores_other_columns: Whether columns that the contract does not know are left out instead of refused.
        null_words: Words that mean no value.
        decimal_comma: Whether numbers have a comma where others have a point: 4,5.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    encoding: str | None = None
    header: bool | None = None
    time_format: str | None = None
    time_unit: TimeUnit | None = None
    time_zone: str | None = None
    ignores_other_columns: bool = False
    null_words: tuple[str, ...] = NULL_WORDS
    decimal_comma: bool = False
