"""SQL that explains why a time was not read: what it looks like, and the option that reads it."""

from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.sql_literals import literal

_BY_UNIT = "--time-unit"

DOUBTFUL_NUMBERS = (
    (190_001_010_000, 210_012_312_359, "looks like YYYYMMDDhhmm: use --time-format %Y%m%d%H%M"),
    (253_402_214_400, 253_402_300_800, f"looks like the end of the year 9999 in seconds: use {_BY_UNIT} s"),
    (253_402_214_400_000, 253_402_300_800_000, f"looks like the end of the year 9999 in ms: use {_BY_UNIT} ms"),
    (
        120_000_000_000_000_000,
        140_000_000_000_000_000,
        f"looks like a Windows file time: write unix times, or use {_BY_UNIT} ns if it is one",
    ),
    (
        620_000_000_000_000_000,
        660_000_000_000_000_000,
        f"looks like .NET ticks: write unix times, or use {_BY_UNIT} ns if it is one",
    ),
)
"""From, to, what it looks like: numbers whose magnitude alone would make them times of the seventies or of 1990."""

_SMALL_NUMBERS = (
    ("= 0", "looks like a missing time"),
    ("< 0", f"is negative: use {_BY_UNIT} if it lies before 1970"),
    ("between 1900 and 2100", "looks like a year: use --time-format %Y"),
    ("between 190001 and 210012", "looks like a year and month: use --time-format %Y%m"),
    ("between 20000 and 80000", "looks like an Excel serial day: use --time-format excel"),
    ("between 10000 and 20000", "looks like a number of days: write dates"),
    ("between 19000101 and 22000100", "is no date of the calendar"),
    ("< 100000000", f"is too small for a unix time after 1973: use {_BY_UNIT} if it is one"),
)
# Forms that can be read in two ways.
_TEXTS = (
    ("[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}.*", "may be day and month or month and day: use --time-format"),
    ("[+-]?[0-9.]+[eE][+-]?[0-9]+", "lost its last digits: write all of them"),
    ("[0-9]+,[0-9]+", "has a comma: write a point"),
    (".*[0-9]:[0-9].*[A-Za-z]{2,5}", "names its zone by letters: use an offset such as +01:00, or --time-format"),
)


def why_not_read(text: str, number: str, local: str, options: ReadOptions) -> str:
    """Return SQL for why a time was not read.

    Args:
        text: SQL of the trimmed text.
        number: SQL of its number, null where it is none.
        local: SQL of the local time that it was read as, null where it is none.
        options: The options it was read with.
    """
    if options.time_format:
        rule = literal(f"does not fit --time-format {options.time_format}")
    else:
        numbers = [
            f"when {number} between {low} and {high} then {literal(reason)}" for low, high, reason in DOUBTFUL_NUMBERS
        ]
        numbers += [f"when {number} {values} then {literal(reason)}" for values, reason in _SMALL_NUMBERS]
        texts = [f"when regexp_full_match({text}, {literal(form)}) then {literal(reason)}" for form, reason in _TEXTS]
        rule = f"case {' '.join([*([] if options.time_unit else numbers), *texts])} end"
    left_out = literal(f"clocks of {options.time_zone} leave it out")
    return f"'is no timestamp' || coalesce(': ' || case when {local} is not null then {left_out} else {rule} end, '')"
