"""The options about the format of files, as typed, and their meaning for each table of one import."""

import codecs
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Annotated, Any, get_args

import typer

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import load_settings
from nightjar.importers.layouts.catalogue import find_layout
from nightjar.importers.read_options import NULL_WORDS, ReadOptions, TimeUnit

_PANEL = "Format of the files (detected where it is certain)"
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "bar": "|", "space": " "}


def _option(help_text: str, *names: str) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=_PANEL)


Layout = Annotated[str | None, _option("Shipped or stored layout by name, or a TOML file.")]
Columns = Annotated[
    list[str] | None,
    _option("Columns with other names: user_id=visitorid,item_id=itemid; numbers from 1 without a header."),
]
Constants = Annotated[
    list[str] | None, _option("Value of a column in every row: event_type=purchase. Repeatable.", "--set")
]
OtherColumns = Annotated[bool, _option("Leave out columns that the table does not have.", "--ignore-other-columns")]
Delimiter = Annotated[str | None, _option("Text between fields, or tab, comma, semicolon, pipe.")]
Quote = Annotated[str | None, _option('Character around fields; none for none. Usually ".')]
Escape = Annotated[str | None, _option("Character before a quote inside a quoted field; usually the quote itself.")]
Encoding = Annotated[str | None, _option("Such as utf-8, utf-16, latin-1, cp1252.")]
Header = Annotated[bool | None, _option("Whether the first line names the columns.", "--header/--no-header")]
TimeFormat = Annotated[str | None, _option("Of times, as strptime has it: %d.%m.%Y %H:%M; excel for serial days.")]
Unit = Annotated[str | None, _option("Of times that are numbers: s, ms, us or ns.", "--time-unit")]
TimeZone = Annotated[str | None, _option("Zone of times without one, such as Europe/Berlin. Usually UTC.")]
NullWords = Annotated[
    str | None, _option("Texts that mean no value, comma-separated, instead of NULL, NaN, \\N and the like.")
]
DecimalComma = Annotated[bool, _option("Numbers have a comma where others have a point: 4,5.", "--decimal-comma")]


def typed_options(
    *,
    columns: Sequence[str] | None,
    constants: Sequence[str] | None,
    delimiter: str | None,
    quote: str | None,
    escape: str | None,
    time_unit: str | None,
    null_words: str | None,
    **others: Any,
) -> ReadOptions:
    """Return the typed options, checked as far as possible without a file.

    Raises:
        BadInput: a value is not valid; the message names the option.
    """
    if time_unit is not None and time_unit not in get_args(TimeUnit):
        raise BadInput(
            f"--time-unit {time_unit!r} is unknown: expected s, ms, us or ns",
            code="unknown_option_value",
            option="--time-unit",
            value=time_unit,
            expected=["s", "ms", "us", "ns"],
        )
    delimiter = None if delimiter is None else _DELIMITERS.get(delimiter.lower(), delimiter)
    quote = "" if quote is not None and quote.lower() == "none" else quote
    for name, character in (("--quote", quote), ("--escape", escape)):
        if character is not None and len(character) > 1:
            raise BadInput(
                f"{name} {character!r} is no single character: expected one, such as \" or '",
                code="invalid_option_value",
                option=name,
                value=character,
            )
    if delimiter == "" or (delimiter and (len(delimiter) > 4 or set(delimiter) & {"\n", "\r", quote or '"'})):
        raise BadInput(
            f"--delimiter {delimiter!r} cannot separate fields: expected 1 to 4 characters, such as ; or tab",
            code="invalid_option_value",
            option="--delimiter",
            value=delimiter,
        )
    if zone := others.get("time_zone"):
        _require_zone(zone)
    if encoding := others.get("encoding"):
        _require_encoding(encoding)
    return ReadOptions(
        columns=_pairs("--columns", _split_pairs(columns or ())),
        constants=_pairs("--set", constants or ()),
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        time_unit=time_unit,  # type: ignore[arg-type]
        null_words=NULL_WORDS if null_words is None else tuple(_words(null_words)),
        **others,
    )


def options_by_table(
    tables: Iterable[str], typed: ReadOptions, layout: Mapping[str, ReadOptions] | None = None
) -> dict[str, ReadOptions]:
    """Return the read options of each table.

    Typed options apply to the interactions, or to the only table of the command; a layout has options for each table.

    Raises:
        BadInput: the options could apply to several tables, or the layout lacks a table.
    """
    names = list(tables)
    found = {name: (layout or {}).get(name, ReadOptions()) for name in names}
    lacking = [name for name in names if layout and name not in layout]
    if lacking:
        raise BadInput(
            f"the layout lacks {', '.join(lacking)}: it describes {', '.join(layout or {})}",
            code="missing_tables",
            option="--layout",
            tables=lacking,
            expected=[*(layout or {})],
        )
    if typed == ReadOptions():
        return found
    if "interactions" not in found and len(found) > 1:
        raise BadInput(
            f"the options apply to one table, not to {', '.join(names)}: import one at a time",
            code="options_for_several_tables",
            tables=[*names],
        )
    meant = "interactions" if "interactions" in found else names[0]
    found[meant] = _over(found[meant], typed)
    return found


def _over(layout: ReadOptions, typed: ReadOptions) -> ReadOptions:
    """Return a layout with the typed options over it."""
    usual = ReadOptions()
    changed = {
        each.name: getattr(typed, each.name)
        for each in fields(ReadOptions)
        if getattr(typed, each.name) != getattr(usual, each.name)
    }
    for name in ("columns", "constants"):
        changed[name] = {**getattr(layout, name), **getattr(typed, name)}
    # A column that is now a constant is not read, and vice versa.
    changed["columns"] = {name: each for name, each in changed["columns"].items() if name not in typed.constants}
    changed["constants"] = {name: each for name, each in changed["constants"].items() if name not in typed.columns}
    return replace(layout, **changed)


def _split_pairs(texts: Iterable[str]) -> list[str]:
    """Split at commas; a part without = belongs to the part before it, whose name contains the comma."""
    parts: list[str] = []
    for text in texts:
        for place, part in enumerate(text.split(",")):
            if place and "=" not in part:
                parts[-1] += f",{part}"
            else:
                parts.append(part)
    return parts


def _pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name or not value:
            raise BadInput(
                f"{option} {text!r} is no pair: expected COLUMN=VALUE, such as user_id=visitorid",
                code="not_a_pair",
                option=option,
                value=text,
            )
        if name in pairs:
            raise BadInput(
                f"{option} names {name} twice: expected once", code="repeated_column", option=option, column=name
            )
        pairs[name] = value
    return pairs


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]


def _require_zone(zone: str) -> None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            f"--time-zone {zone!r} is unknown: expected an IANA name, such as Europe/Berlin",
            code="unknown_time_zone",
            option="--time-zone",
            value=zone,
        ) from error


def _require_encoding(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise BadInput(
            f"--encoding {encoding!r} is unknown: expected utf-8, utf-16, latin-1, cp1252 or such",
            code="unknown_encoding",
            option="--encoding",
            value=encoding,
        ) from error


def constants_of_layout(layout: str, read: Mapping[str, ReadOptions], typed: ReadOptions) -> list[str]:
    """Return a line for each column with a constant from the layout that was not typed."""
    return [
        f"{table}: {column} is {text!r} in every row, from layout {layout}"
        for table, options in read.items()
        for column, text in options.constants.items()
        if column not in typed.constants
    ]


def named_layout(name: str | None) -> Mapping[str, ReadOptions] | None:
    """Return the layout of a name or file, by table; None without a name."""
    if name is None:
        return None
    return find_layout(name, load_settings().home, lambda line: typer.echo(f"note: {line}")).options
