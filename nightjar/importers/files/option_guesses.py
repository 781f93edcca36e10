"""Guesses how a file is written: each guess is a `ReadOptions` that is tried on a sample."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import Table
from nightjar.importers.column_matching import required_columns
from nightjar.importers.files.column_guesses import guess_columns
from nightjar.importers.files.compression import open_decompressed
from nightjar.importers.files.file_formats import Format, text_suffix
from nightjar.importers.files.text_file import SUFFIX_DELIMITERS
from nightjar.importers.files.text_header import DELIMITERS, encoding_of, read_header
from nightjar.importers.files.text_survey import fitting_encoding, is_utf_8, survey_text
from nightjar.importers.read_options import ReadOptions

_LINES = 200
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?|[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}.*|1[0-9]{9}([0-9]{3,9})?(\.0)?"
)
_BACKSLASH_QUOTE = re.compile(r'\\"(?=[^,;\t|\r\n])')


def guess_options(table: Table, path: Path, form: Format, typed: ReadOptions) -> Iterator[ReadOptions]:
    """Yield options that could read a file, the likeliest first; what was typed is kept.

    Args:
        table: The raw table that the file is meant for.
        path: A sample, not compressed.
        form: Of the file.
        typed: Options that the user typed.
    """
    base = _with_text_guesses(path, typed) if form == "text" else typed
    yield base
    names = names_in(table, path, form, base)
    guessed = guess_columns(table, [each for each in names if each not in base.columns.values()])
    columns = {column: name for column, name in guessed.items() if column not in base.constants and column != name}
    yield replace(base, columns={**columns, **base.columns}, ignores_other_columns=True)
    if form == "text" and base.header is None:
        yield from _without_header(table, path, base)


def names_in(table: Table, path: Path, form: Format, options: ReadOptions) -> list[str]:
    """Return the names that options may use for the columns of a file, paths into nested ones included."""
    if form == "parquet":
        return [name for field in pq.read_schema(path) for name in _names_of_type(field.name, field.type)]
    if form == "json":
        return _names_of_json(path)
    try:
        encoding = encoding_of(str(path), options, survey_text(path))
        header = read_header(table, path, options, encoding, SUFFIX_DELIMITERS.get(text_suffix(path)))
        if len(header.names) > 1 or options.delimiter:
            return header.names
        # No delimiter finds a column that the contract knows: one that parts the line may find one to guess.
        parted = [_header_names(table, path, replace(options, delimiter=each), encoding) for each in DELIMITERS]
        return max([header.names, *parted], key=len)
    except BadInput:
        return []


def _header_names(table: Table, path: Path, options: ReadOptions, encoding: str) -> list[str]:
    return read_header(table, path, options, encoding, None).names


def _with_text_guesses(path: Path, typed: ReadOptions) -> ReadOptions:
    survey = survey_text(path)
    encoding = typed.encoding or survey.encoding or ("utf-8" if is_utf_8(survey) else fitting_encoding(survey))
    lines = _first_lines(path, encoding)
    delimiter = typed.delimiter or _likeliest_delimiter(path, lines)
    escape = typed.escape or ("\\" if any(_BACKSLASH_QUOTE.search(line) for line in lines) else None)
    usual = SUFFIX_DELIMITERS.get(text_suffix(path))
    return replace(
        typed,
        encoding=typed.encoding or (encoding if encoding != "utf-8" else None),
        delimiter=typed.delimiter or (delimiter if delimiter != usual else None),
        escape=escape,
    )


def _likeliest_delimiter(path: Path, lines: Sequence[str]) -> str | None:
    """Return the delimiter that parts most lines into the same number of fields; the suffix's where it parts them."""
    usual = SUFFIX_DELIMITERS.get(text_suffix(path))
    candidates = [*([usual] if usual else []), *DELIMITERS]
    counted = {each: [line.count(each) for line in lines] for each in candidates}
    parting = [each for each, counts in counted.items() if counts and min(counts) > 0]
    # Text in a field may hold commas too, but seldom as many in each line.
    even = [each for each in parting if len(set(counted[each])) == 1]
    return next(iter([*even, *parting]), usual)


def _without_header(table: Table, path: Path, base: ReadOptions) -> Iterator[ReadOptions]:
    """Yield a guess for a file whose first line is a row: times and ratings by their look, ids by their order."""
    delimiter = base.delimiter or SUFFIX_DELIMITERS.get(text_suffix(path)) or ","
    rows = [
        [each.strip('"') for each in line.split(delimiter)] for line in _first_lines(path, base.encoding or "utf-8")
    ]
    rows = [row for row in rows if len(row) == len(rows[0])]
    if not rows or not any(_NUMBER.fullmatch(each) or _TIME.fullmatch(each) for each in rows[0]):
        return
    fields = [list(values) for values in zip(*rows, strict=True)]
    times = [place for place, values in enumerate(fields) if all(_TIME.fullmatch(each) for each in values)]
    others = [place for place in range(len(fields)) if place not in times]
    ratings = [place for place in others[2:] if _look_like_ratings(fields[place])]
    columns: dict[str, int] = {}
    for column in required_columns(table):
        if column in ("occurred_at", "shown_at"):
            columns |= {column: times[0]} if times else {}
        elif others:
            columns[column] = others.pop(0)
    if "value" in table.column_names and ratings:
        columns["value"] = ratings[0]
    numbered = {column: str(place + 1) for column, place in columns.items()}
    yield replace(base, header=False, columns={**numbered, **base.columns}, ignores_other_columns=True)


def _look_like_ratings(values: Sequence[str]) -> bool:
    numbers = [float(each.replace(",", ".")) for each in values if _NUMBER.fullmatch(each)]
    return len(numbers) == len(values) and max(numbers) <= 10 and min(numbers) >= 0 and max(numbers) > 0


def _first_lines(path: Path, encoding: str) -> list[str]:
    with open_decompressed(path) as file:
        text = TextIOWrapper(file, "utf-8-sig" if encoding == "utf-8" else encoding, "replace")
        return [line.rstrip("\r\n") for line in islice(text, _LINES) if line.strip()]


def _names_of_json(path: Path) -> list[str]:
    text = path.read_text("utf-8-sig", "replace").lstrip()
    decoder = json.JSONDecoder()
    names: dict[str, None] = {}
    if text.startswith("["):
        text = text[1:].lstrip()
    for _ in range(_LINES):
        try:
            value, end = decoder.raw_decode(text)
        except ValueError:
            break
        names |= dict.fromkeys(_names_of_value("", value))
        text = text[end:].lstrip(", \r\n\t")
    return list(names)


def _names_of_value(prefix: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _names_of_value(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from _names_of_value(f"{prefix}[]", value[0])
    elif prefix:
        yield prefix


def _names_of_type(name: str, type_: pa.DataType) -> Iterator[str]:
    if pa.types.is_struct(type_):
        for field in type_:
            yield from _names_of_type(f"{name}.{field.name}", field.type)
    elif pa.types.is_list(type_) and pa.types.is_struct(type_.value_type):
        yield from _names_of_type(f"{name}[]", type_.value_type)
    else:
        yield name
