"""SQL for how a time is written: digits, another number, ISO 8601, a looser form of it, or with a region's name."""

from nightjar.importers.read_options import ReadOptions

_DIGITS = "[0-9]+"
_NUMBER = r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?"
_DATE = "[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
# What DuckDB casts without a change.
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


def plain_shape(text: str) -> str:
    """Return SQL for the shape of a text that is written as nearly all are, null for any other."""
    return f"""case when regexp_full_match({text}, '{_DIGITS}') then 'digits'
        when regexp_full_match({text}, '{_ISO}') then 'iso' end"""


def shape_of(text: str, plain: str, options: ReadOptions) -> str:
    """Return SQL for the shape of a trimmed text; `plain` is the SQL of its plain shape."""
    if options.time_format:
        return "'format'"
    loose = f"regexp_full_match({text}, '{_LOOSE}') or regexp_full_match({text}, '{_BASIC}')"
    return f"""case when {plain} is not null then {plain}
        when {text} is null then null
        else coalesce({plain_shape(text)}, case when regexp_full_match({text}, '{_NUMBER}') then 'number'
            when regexp_full_match({text}, '{_REGION}') then 'region'
            when {loose} then 'loose' end) end"""


def plain_iso(text: str) -> str:
    """Return SQL for a time of a loose form as ISO 8601 that DuckDB casts."""

    def part(group: int) -> str:
        extended = f"regexp_extract({text}, '^(?:{_LOOSE})$', {group})"
        basic = f"regexp_extract({text}, '^(?:{_BASIC})$', {group})"
        return f"coalesce(nullif({extended}, ''), {basic})"

    def clock(group: int) -> str:
        return f"coalesce(nullif({part(group)}, ''), '00')"

    zone = f"regexp_replace({part(8)}, '^(?i:z|utc|gmt)$', '+00')"
    day = f"{part(1)} || '-' || {part(2)} || '-' || {part(3)}"
    return f"{day} || ' ' || {clock(4)} || ':' || {clock(5)} || ':' || {clock(6)} || '.' || {clock(7)} || {zone}"
