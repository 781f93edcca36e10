"""SQL that reads the times of files: what is certain becomes an instant, what is not stays null.

A time is read in steps, each an expression over the one before: its shape (how it is written), its number, its kind
(what it is) and its instant. A number is seconds, milliseconds, microseconds or nanoseconds by its magnitude, which
tells them apart for all times after 3 March 1973; smaller numbers are days, years or nothing unless a unit is given.
Why a time was not read says `nightjar.importers.values.doubtful_times`.
"""

from dataclasses import dataclass

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.doubtful_times import DOUBTFUL_NUMBERS
from nightjar.importers.values.sql_texts import literal

EXCEL = "excel"
"""The time format of a spreadsheet's serial days: 1 is 1 January 1900, the fraction is the time of day."""

# The smallest number that is seconds; from it on each unit takes a thousand times as much.
FIRST_SECONDS = 100_000_000
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds of each unit."""

_DIGITS = "[0-9]+"
_NUMBER = r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?"
_DATE = "[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
# What DuckDB casts as it is.
_ISO = rf"{_DATE}([ T]{_CLOCK}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?| UTC)?)?"
_REGION = rf"{_DATE} {_CLOCK} [A-Za-z]+(/[A-Za-z_+-]+)+"
# Year, month, day, hour, minute, second, fraction, zone: other forms of ISO 8601, and what programs write for it.
_ZONE = r" *((?i:z|utc|gmt)|[+-][0-9]{2}(?::?[0-9]{2})?)?(?:\[[A-Za-z_/+-]+\])?"
_LOOSE = (
    r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})"
    rf"(?:(?:[Tt]| +)([0-9]{{1,2}})(?::([0-9]{{2}})(?::([0-9]{{2}})(?:[.,]([0-9]+))?)?)?)?{_ZONE}"
)
_BASIC = (
    rf"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})[Tt ]([0-9]{{2}})(?:([0-9]{{2}})(?:([0-9]{{2}})(?:[.,]([0-9]+))?)?)?{_ZONE}"
)

_SECONDS_OF_9_DIGITS = r"[0-9]\.([0-9]{9,}[eE].*|[0-9]+E[0-9]+)"
# Days of the proleptic calendar at which spreadsheets begin to count, for days after February 1900.
_SPREADSHEET_START = "timestamp '1899-12-30'"
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_465


@dataclass(frozen=True)
class TimeSteps:
    """SQL of the steps over `name`, a trimmed text: each may use the columns of those before it."""

    shape: str
    number: str
    fraction: str
    written: str
    kind: str
    local: str
    instant: str


def plain_shape(text: str) -> str:
    """Return SQL for the shape of a text that is written as nearly all are, null for any other."""
    return f"""case when regexp_full_match({text}, '{_DIGITS}') then 'digits'
        when regexp_full_match({text}, '{_ISO}') then 'iso' end"""


def steps(text: str, prefix: str, options: ReadOptions, *, is_float: bool = False) -> TimeSteps:
    """Return the steps for a column.

    Args:
        text: SQL of the trimmed text.
        prefix: The steps before are the columns `{prefix}_plain_shape`, `{prefix}_shape`, `{prefix}_number` and so on.
        options: Format, unit and zone of the times.
        is_float: Whether the file itself says that the column holds binary floats, so that no digit was rounded away.
    """
    shape, number, fraction, written, kind, local = (
        f"{prefix}_{step}" for step in ("shape", "number", "fraction", "written", "kind", "local")
    )
    return TimeSteps(
        shape=_shape(text, f"{prefix}_plain_shape", options),
        number=_number(text, shape, is_float),
        fraction=f"case when {shape} = 'number' then try_cast({text} as double) - {number} end",
        written=f"case {shape} when 'iso' then {text} when 'loose' then {_plain_iso(text)} end",
        kind=_kind(text, shape, number, written, options),
        local=_local(text, kind, number, written, options),
        instant=_instant(text, kind, number, fraction, written, local, options),
    )


def check_options(connection: duckdb.DuckDBPyConnection, options: ReadOptions) -> None:
    """Check that the options of times mean something.

    Raises:
        BadInput: a directive or a zone does not exist, or format and unit are both given.
    """
    if options.time_format is not None and options.time_unit is not None:
        raise BadInput(
            f"--time-format {options.time_format} and --time-unit {options.time_unit} exclude each other: a format is"
            " for texts, a unit for numbers; give one of them",
            code="conflicting_options",
            options=["--time-format", "--time-unit"],
        )
    if options.time_format is not None and options.time_format != EXCEL:
        try:
            connection.execute("select try_strptime('', $1)", [options.time_format])
        except duckdb.Error as error:
            raise BadInput(
                f"--time-format {options.time_format!r} is none ({str(error).splitlines()[0]}): expected directives of"
                f" strptime such as %d/%m/%Y %H:%M, or {EXCEL}",
                code="invalid_time_format",
                option="--time-format",
                value=options.time_format,
            ) from error
    zone = options.time_zone
    known = "select 1 from pg_timezone_names() where name = $1"
    if zone is not None and not connection.execute(known, [zone]).fetchone():
        raise BadInput(
            f"--time-zone {zone!r} is no time zone: expected an IANA name such as Europe/Berlin",
            code="unknown_time_zone",
            option="--time-zone",
            value=zone,
        )


def instant(text: str, options: ReadOptions) -> str:
    """Return SQL that reads a trimmed text as an instant, in one expression."""
    nested = steps(text, "step", options)
    inner = f"select {plain_shape(text)} as step_plain_shape"
    for step in ("shape", "number", "fraction", "written", "kind", "local"):
        inner = f"select *, {getattr(nested, step)} as step_{step} from ({inner})"
    return f"(select {nested.instant} from ({inner}))"


def is_twice(prefix: str, zone: str) -> str:
    """Return SQL for whether a local time occurs twice, because clocks are put back in its zone."""
    later = " or ".join(f"timezone({literal(zone)}, {prefix} + {shift}) = {prefix}_local" for shift in _SHIFTS)
    return f"coalesce({later}, false)"


# By how much clocks are put back.
_SHIFTS = ("interval 1 hour", "interval 30 minutes", "interval 2 hours")


def _shape(text: str, plain: str, options: ReadOptions) -> str:
    if options.time_format:
        return "'format'"
    loose = f"regexp_full_match({text}, '{_LOOSE}') or regexp_full_match({text}, '{_BASIC}')"
    return f"""case when {plain} is not null then {plain}
        when {text} is null then null
        else coalesce({plain_shape(text)}, case when regexp_full_match({text}, '{_NUMBER}') then 'number'
            when regexp_full_match({text}, '{_REGION}') then 'region'
            when {loose} then 'loose' end) end"""


def _number(text: str, shape: str, is_float: bool) -> str:
    whole = f"try_cast(floor(try_cast({text} as double)) as bigint)"
    if not is_float:
        has_all_digits = f"not regexp_matches({text}, '[eE]') or regexp_full_match({text}, '{_SECONDS_OF_9_DIGITS}')"
        whole = f"case when {has_all_digits} then {whole} end"
    return f"case {shape} when 'digits' then try_cast({text} as bigint) when 'number' then {whole} end"


def _plain_iso(text: str) -> str:
    def part(group: int) -> str:
        extended = f"regexp_extract({text}, '^(?:{_LOOSE})$', {group})"
        basic = f"regexp_extract({text}, '^(?:{_BASIC})$', {group})"
        return f"coalesce(nullif({extended}, ''), {basic})"

    def clock(group: int) -> str:
        return f"coalesce(nullif({part(group)}, ''), '00')"

    zone = f"regexp_replace({part(8)}, '^(?i:z|utc|gmt)$', '+00')"
    day = f"{part(1)} || '-' || {part(2)} || '-' || {part(3)}"
    return f"{day} || ' ' || {clock(4)} || ':' || {clock(5)} || ':' || {clock(6)} || '.' || {clock(7)} || {zone}"


def _kind(text: str, shape: str, number: str, written: str, options: ReadOptions) -> str:
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


def _local(text: str, kind: str, number: str, written: str, options: ReadOptions) -> str:
    if options.time_format == EXCEL:
        days = f"try_cast({text} as double)"
        # As exact as a double of this size is: a spreadsheet knows milliseconds.
        shifted = f"{_SPREADSHEET_START} + to_milliseconds(round({days} * 86400000)::bigint)"
        # A year is no day of 1905.
        is_serial = f"{days} between {_FIRST_SERIAL} and {_LAST_SERIAL} and {days} not between 1900 and 2100"
        return f"case when {is_serial} then {shifted} end"
    if options.time_format:
        return "null::timestamp" if _says_zone(options.time_format) else _parsed(text, options.time_format)
    local = "" if options.time_zone is None else f"when 'local' then try_cast({written} as timestamp)"
    return f"""case {kind} {local}
        when 'date' then try_strptime({number}::varchar, '%Y%m%d')
        when 'datetime' then try_strptime({number}::varchar, '%Y%m%d%H%M%S')
        when 'datetime_ms' then try_strptime({number}::varchar, '%Y%m%d%H%M%S%g') end"""


def _instant(text: str, kind: str, number: str, fraction: str, written: str, local: str, options: ReadOptions) -> str:
    if options.time_format and _says_zone(options.time_format):
        return _parsed(text, options.time_format)
    in_zone = _in_zone(local, options.time_zone)
    if options.time_format:
        return in_zone
    zoned = "in ('zoned', 'region')" if options.time_zone else "in ('zoned', 'region', 'local')"
    units = " ".join(
        f"when {kind} = '{unit}' then make_timestamptz({_microseconds(number, fraction, unit)})" for unit in UNITS
    )
    cast = f"try_cast(coalesce({written}, {text}) as timestamptz)"
    return f"case {units} when {kind} {zoned} then {cast} else {in_zone} end"


def _microseconds(number: str, fraction: str, unit: str) -> str:
    if unit == "ns":
        return f"{number} // 1000"
    rest = f"round({fraction} * {UNITS[unit]})::bigint"
    return f"{number} * {UNITS[unit]} + case when {fraction} is null then 0 else {rest} end"


def _in_zone(local: str, zone: str | None) -> str:
    if zone is None:
        return f"{local}::timestamptz"
    named = literal(zone)
    at = f"timezone({named}, {local})"
    earlier = " ".join(
        f"when timezone({named}, {at} - {shift}) = {local} then {at} - {shift}" for shift in reversed(_SHIFTS)
    )
    # A time that clocks leave out comes back as another one.
    return f"case {earlier} when timezone({named}, {at}) = {local} then {at} end"


def _says_zone(time_format: str) -> bool:
    return "%z" in time_format or "%Z" in time_format or time_format.endswith(("SZ", "fZ", "gZ", "TZ"))


def _parsed(text: str, time_format: str) -> str:
    """Return SQL for a text by its format; Z at the end means UTC, which DuckDB's own directive for zones refuses."""
    if time_format.endswith("%z"):
        text = f"regexp_replace({text}, '[zZ]$', '+00:00')"
    parsed = f"try_strptime({text}, {literal(time_format)})"
    return f"{parsed}::timestamptz" if _says_zone(time_format) else parsed
