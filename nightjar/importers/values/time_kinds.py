"""SQL for what a time is: a unix time in some unit, a date as digits, or text with or without a zone.

The magnitude of a number tells seconds, milliseconds, microseconds and nanoseconds apart for all times after 3 March
1973; smaller numbers are days, years or nothing unless a unit is given.
"""

from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.doubtful_times import DOUBTFUL_NUMBERS

# The smallest number of seconds; that of each smaller unit is a thousand times larger.
FIRST_SECONDS = 100_000_000
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds of each unit."""

_SECONDS_OF_9_DIGITS = r"[0-9]\.([0-9]{9,}[eE].*|[0-9]+E[0-9]+)"


def number_of(text: str, shape: str, is_float: bool) -> str:
    """Return SQL for the whole part of a text that is a number, null where a program may have rounded it."""
    whole = f"try_cast(floor(try_cast({text} as double)) as bigint)"
    if not is_float:
        has_all_digits = f"not regexp_matches({text}, '[eE]') or regexp_full_match({text}, '{_SECONDS_OF_9_DIGITS}')"
        whole = f"case when {has_all_digits} then {whole} end"
    return f"case {shape} when 'digits' then try_cast({text} as bigint) when 'number' then {whole} end"


def kind_of(text: str, shape: str, number: str, written: str, options: ReadOptions) -> str:
    """Return SQL for the kind of a time from its shape, its number and its ISO form."""
    if options.time_format:
        return "'format'"
    # A colon comes before the minus of a zone, but not before those of a date.
    has_zone = f"""contains({written}, 'Z') or contains({written}, '+') or contains({written}, 'U')
        or regexp_matches({written}, ':.*-')"""
    return f"""case when {shape} in ('iso', 'loose') then case when {has_zone} then 'zoned' else 'local' end
        when {shape} = 'region' then 'region'
        when {shape} = 'digits' then {_kind_of_number(number, options)}
        when {shape} = 'number' then {_kind_of_fraction(text, _kind_of_number(number, options))} end"""


def _kind_of_fraction(text: str, kind: str) -> str:
    # The fraction of a date would be lost.
    has_fraction = rf"regexp_matches({text}, '\.0*[1-9]') and not regexp_matches({text}, '[eE]')"
    return f"case when {has_fraction} and ({kind}) in ('date', 'datetime', 'datetime_ms') then null else {kind} end"


def _kind_of_number(number: str, options: ReadOptions) -> str:
    if options.time_unit:
        # Up to the year 33658, which DuckDB holds and the check calls the future.
        bound = int(1e18 / UNITS[options.time_unit])
        return f"case when {number} between {-bound} and {bound} then '{options.time_unit}' end"
    doubtful = " ".join(f"when {number} between {low} and {high} then null" for low, high, _ in DOUBTFUL_NUMBERS)
    return f"""case when {number} < 19000101 then null
        when {_reads_as_date(number, 1)} then 'date'
        when {number} < {FIRST_SECONDS} then null
        {doubtful}
        when {number} < {FIRST_SECONDS * 10**3} then 's'
        when {_reads_as_date(number, 10**6)} then 'datetime'
        when {number} < {FIRST_SECONDS * 10**6} then 'ms'
        when {_reads_as_date(number, 10**9)} then 'datetime_ms'
        when {number} < {FIRST_SECONDS * 10**9} then 'us'
        when {number} is not null then 'ns' end"""


def _reads_as_date(number: str, clock: int) -> str:
    """Return SQL for whether a number can only be a year, month and day, followed by so many digits of a clock."""
    return f"({number} between {19000101 * clock} and {22000101 * clock - 1} or {number} // {clock} = 99991231)"
