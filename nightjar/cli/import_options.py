"""The options for how files are written, which `nightjar import files` and `nightjar import check` share."""

import codecs
import functools
import inspect
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, get_args

import typer

from nightjar.contract.errors import BadInput
from nightjar.importers.read_options import NULL_WORDS, ReadOptions, TimeUnit

_PANEL = "Format of the files (detected where it is certain)"
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "bar": "|", "space": " "}


def _option(help_text: str, *names: str) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=_PANEL)


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "layout": (Annotated[str | None, _option("Shipped or stored layout by name, or a TOML file.")], None),
    "columns": (
        Annotated[
            list[str] | None,
            _option("Columns with other names: user_id=visitorid,item_id=itemid; numbers from 1 without a header."),
        ],
        None,
    ),
    "constants": (
        Annotated[list[str] | None, _option("What every row has: event_type=purchase. Repeatable.", "--set")],
        None,
    ),
    "ignores_other_columns": (
        Annotated[bool, _option("Leave out columns that the table does not have.", "--ignore-other-columns")],
        False,
    ),
    "delimiter": (Annotated[str | None, _option("Text between fields, or tab, comma, semicolon, pipe.")], None),
    "quote": (Annotated[str | None, _option('Character around fields; none for none. Usually ".')], None),
    "escape": (
        Annotated[str | None, _option("Character before a quote inside a quoted field; usually the quote itself.")],
        None,
    ),
    "encoding": (Annotated[str | None, _option("Such as utf-8, utf-16, latin-1, cp1252.")], None),
    "header": (
        Annotated[bool | None, _option("Whether the first line names the columns.", "--header/--no-header")],
        None,
    ),
    "time_format": (
        Annotated[str | None, _option("Of times, as strptime has it: %d.%m.%Y %H:%M; excel for serial days.")],
        None,
    ),
    "time_unit": (Annotated[str | None, _option("Of times that are numbers: s, ms, us or ns.", "--time-unit")], None),
    "time_zone": (Annotated[str | None, _option("Of times that say none, such as Europe/Berlin. Usually UTC.")], None),
    "null_words": (
        Annotated[str | None, _option("Words for no value, comma-separated, instead of NULL, NaN, \\N and the like.")],
        None,
    ),
    "decimal_comma": (
        Annotated[bool, _option("Numbers have a comma where others have a point: 4,5.", "--decimal-comma")],
        False,
    ),
}
"""By name of the argument: its annotation and its default."""


def with_read_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as `layout` and, read and checked, as `typed`."""
    own = [each for each in inspect.signature(command).parameters.values() if each.name not in ("layout", "typed")]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        read = {name: given.pop(name) for name in _OPTIONS}
        command(**given, layout=read.pop("layout"), typed=typed_options(**read))

    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in (*own, *options)}
    return run


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
        BadInput: a value is invalid; names the option.
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
        columns=column_pairs(columns or ()),
        constants=_pairs("--set", constants or ()),
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        time_unit=time_unit,  # type: ignore[arg-type]
        null_words=NULL_WORDS if null_words is None else tuple(_words(null_words)),
        **others,
    )


def column_pairs(texts: Iterable[str]) -> dict[str, str]:
    """Return the values of `--columns`: column of the table to the file's name of it.

    Raises:
        BadInput: a part is no pair, or a column is named twice.
    """
    return _pairs("--columns", _split_pairs(texts))


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
            f"--encoding {encoding!r} is unknown: expected a name such as utf-8, utf-16, latin-1 or cp1252",
            code="unknown_encoding",
            option="--encoding",
            value=encoding,
        ) from error
