"""Detects how a text file is written: its delimiter and the names of its fields.

Options take precedence; what they leave open is read from the first line, or refused.
"""

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import Table
from nightjar.importers.column_matching import known_names
from nightjar.importers.files.compression import open_decompressed
from nightjar.importers.files.text_survey import TextSurvey, require_utf_8
from nightjar.importers.read_options import ReadOptions

DELIMITERS = (",", "\t", ";", "|", "::")
_HEADER_CHARACTERS = 1_000_000
# RecBole's atomic files: user_id:token.
_TYPED_NAME = re.compile(r"(.+):(token|float)(_seq)?")


@dataclass(frozen=True)
class TextHeader:
    """The first line of a text file.

    Attributes:
        delimiter: Text between two fields.
        names: Of the fields in order; their numbers from 1 in a file without a header.
        is_detected: Whether the delimiter is not that of the suffix.
    """

    delimiter: str
    names: list[str]
    is_detected: bool = False


def encoding_of(path: str, options: ReadOptions, survey: TextSurvey) -> str:
    """Return the name of the encoding as the readers use it.

    Raises:
        BadInput: it is unknown, or none is given and the file is no UTF-8.
    """
    if options.encoding is None:
        if survey.encoding is None:
            require_utf_8(path, survey)
        return survey.encoding or "utf-8"
    try:
        name = codecs.lookup(options.encoding).name
        # Some codecs of Python are no encodings of text.
        "".encode(name)
    except LookupError as error:
        raise BadInput(
            f"the encoding {options.encoding!r} is unknown: expected one such as utf-8, utf-16, latin-1, cp1252",
            code="unknown_encoding",
            file=path,
            value=options.encoding,
        ) from error
    return {"utf-8": "utf-8", "utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(name, name)


def read_header(table: Table, path: Path, options: ReadOptions, encoding: str, usual: str | None) -> TextHeader:
    """Read the first line of a text file.

    Args:
        table: The raw table that the file is meant for; a delimiter has to find one of its columns.
        path: A text file, plain or gzip.
        options: How it is written, as far as given.
        encoding: Of its bytes.
        usual: The delimiter of its suffix, or None.

    Raises:
        BadInput: the line is no such text or blank, or the delimiter cannot be detected.
    """
    text = _first_line(path, encoding)
    quote = '"' if options.quote is None else options.quote
    if options.delimiter is not None:
        return TextHeader(options.delimiter, _names(path, text, options.delimiter, quote, options))
    tried = [usual, *(each for each in DELIMITERS if each != usual)] if usual else list(DELIMITERS)
    known = known_names(table, options)
    if options.header is False:
        last = max((int(name) for name in options.columns.values() if name.isdigit()), default=2)
        fitting = [each for each in tried if len(_split(text, each, quote)) >= last]
    else:
        fitting = [each for each in tried if known.keys() & set(_split(text, each, quote))]
        # One that finds all columns is better than one that finds a few.
        fitting.sort(key=lambda each: -len(known.keys() & set(_split(text, each, quote))))
    if not fitting and usual is None:
        raise BadInput(
            f"{path} has a first line in which no delimiter finds a column: expected the names of columns of"
            f" {table.full_name}; name the delimiter with --delimiter, or see nightjar import check {path}",
            code="unknown_delimiter",
            file=path,
            table=table.full_name,
        )
    delimiter = fitting[0] if fitting else str(usual)
    return TextHeader(delimiter, _names(path, text, delimiter, quote, options), bool(delimiter != usual))


def _first_line(path: Path, encoding: str) -> str:
    try:
        with open_decompressed(path) as file:
            # Bytes that are not of the encoding may follow: they are the fault of their line alone.
            text = TextIOWrapper(
                file, "utf-8-sig" if encoding == "utf-8" else encoding, "surrogateescape", newline=""
            ).readline(_HEADER_CHARACTERS)
            text.encode("utf-8")
    except UnicodeError as error:
        raise BadInput(
            f"{path} is no {encoding.upper()} text: its first line cannot be decoded",
            code="wrong_encoding",
            file=path,
            line=1,
            expected=encoding,
        ) from error
    if "\0" in text:
        raise BadInput(
            f"{path} is no {encoding.upper()} text: its first line holds a NUL character; UTF-16 without"
            " a mark at its beginning is read with --encoding utf-16-le or utf-16-be",
            code="wrong_encoding",
            file=path,
            line=1,
            expected=encoding,
        )
    if not text.strip():
        raise BadInput(
            f"{path} is empty or has a blank first line, where the column names belong",
            code="no_column_names",
            file=path,
            line=1,
        )
    return text.rstrip("\r\n")


def _names(path: Path, text: str, delimiter: str, quote: str, options: ReadOptions) -> list[str]:
    names = _split(text, delimiter, quote)
    if not names:
        raise BadInput(f"{path} has a first line that names no columns", code="no_column_names", file=path, line=1)
    if options.header is False:
        return [str(number) for number in range(1, len(names) + 1)]
    typed = [_TYPED_NAME.fullmatch(name) for name in names]
    return [each[1] for each in typed if each] if all(typed) else names


def _split(text: str, delimiter: str, quote: str) -> list[str]:
    """Return the fields of a line, none where it cannot be split."""
    if len(delimiter) > 1 or not quote:
        return [each.strip(quote) if quote else each for each in text.split(delimiter)]
    try:
        fields: Sequence[str] = next(csv.reader([text], delimiter=delimiter, quotechar=quote))
    except csv.Error:
        return []
    return list(fields)
