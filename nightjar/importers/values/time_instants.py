"""SQL that turns a time of a known kind into an instant, by way of its local time where it names no zone."""

from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.sql_literals import literal
from nightjar.importers.values.time_kinds import UNITS

EXCEL = "excel"
"""The time format of a spreadsheet's serial days: 1 is 1 January 1900, the fraction is the time of day."""

# Days of the proleptic calendar at which spreadsheets begin to count, for days after February 1900.
_SPREADSHEET_START = "timestamp '1899-12-30'"
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_465
# By how much clocks are put back.
_SHIFTS = ("interval 1 hour", "interval 30 minutes", "interval 2 hours")


def is_ambiguous(prefix: str, zone: str) -> str:
    """Return SQL for whether a local time occurs twice, because the clocks of its zone are put back."""
    later = " or ".join(f"timezone({literal(zone)}, {prefix} + {shift}) = {prefix}_local" for shift in _SHIFTS)
    return f"coalesce({later}, false)"


def local_time_of(text: str, kind: str, number: str, written: str, options: ReadOptions) -> str:
    """Return SQL for the local time of a text without a zone; null where it has one."""
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


def instant_of(text: str, kind: str, number: str, fraction: str, written: str, local: str, options: ReadOptions) -> str:
    """Return SQL for the instant of a time; null where it is not certain."""
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
