"""Reads all bytes of a text file once before it is parsed: its length, its line ends, its encoding."""

import codecs
from dataclasses import dataclass, field
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.importers.files.compression import CHUNK_BYTES, open_decompressed, too_large_error

_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SHOWN_CHARACTERS = 20


@dataclass
class TextSurvey:
    """Counts over the bytes of a text file.

    Attributes:
        length: Bytes, decompressed.
        feeds: Line feeds, those after a carriage return included.
        returns: Carriage returns, those before a line feed included.
        pairs: Carriage returns before a line feed.
        ends_in_line_end: Whether the last line is ended as the others.
        begins_with_nul: Whether the first byte is 0, as in UTF-16 whose larger byte is first.
        encoding: Of the byte order mark; None without one.
        utf_8_characters: Characters beyond ASCII.
        other_bytes: Bytes that are no part of a UTF-8 character.
        first_other: The bytes around the first of them.
    """

    length: int = 0
    feeds: int = 0
    returns: int = 0
    pairs: int = 0
    ends_in_line_end: bool = True
    begins_with_nul: bool = False
    encoding: str | None = None
    utf_8_characters: int = 0
    other_bytes: int = 0
    first_other: bytes = b""
    _carry: bytes = field(default=b"", repr=False)
    _ends_in_return: bool = field(default=False, repr=False)

    @property
    def lines(self) -> int:
        """Physical lines, whether a quote holds their end or not."""
        return self.feeds + self.returns - self.pairs + (not self.ends_in_line_end)

    @property
    def has_one_kind_of_line_end(self) -> bool:
        """Whether all lines end alike: then DuckDB's strict reader can read the file."""
        return (self.returns == self.pairs and self.pairs in (0, self.feeds)) or not self.feeds

    def add(self, chunk: bytes) -> None:
        """Count one more chunk."""
        if not self.length:
            self.begins_with_nul = chunk.startswith(b"\0")
            self.encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if chunk.startswith(mark)), None)
        self.pairs += chunk.count(b"\r\n") + (chunk.startswith(b"\n") and self._ends_in_return)
        self.feeds += chunk.count(b"\n")
        self.returns += chunk.count(b"\r")
        self.length += len(chunk)
        self._ends_in_return = chunk.endswith(b"\r")
        self.ends_in_line_end = chunk.endswith((b"\n", b"\r"))
        if not self.encoding and (self._carry or not chunk.isascii()):
            self._count_characters(self._carry + chunk)

    def finish(self) -> None:
        """Count what the last chunk left: the beginning of a character that never came."""
        self.other_bytes += len(self._carry)
        self.first_other = self.first_other or self._carry

    def _count_characters(self, text: bytes) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        decoded = decoder.decode(text)
        self._carry = decoder.getstate()[0]
        whole = decoded.encode("utf-8", "ignore").decode()
        self.other_bytes += len(decoded) - len(whole)
        self.utf_8_characters += len(whole) - len(whole.encode("ascii", "ignore"))
        if len(decoded) > len(whole) and not self.first_other:
            at = next(place for place, each in enumerate(decoded) if "\udc80" <= each <= "\udcff")
            before = decoded[max(at - _SHOWN_CHARACTERS, 0) : at].splitlines() or [""]
            after = decoded[at : at + _SHOWN_CHARACTERS].splitlines()
            self.first_other = (before[-1] + after[0]).encode("utf-8", "surrogateescape")


def survey_text(path: Path, max_gb: int | None = None) -> TextSurvey:
    """Read all bytes of a file, decompressed.

    Raises:
        BadInput: it is not in the format of its suffix, or holds more than `max_gb` gigabytes (10^9 bytes) compressed.
    """
    survey = TextSurvey()
    with open_decompressed(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            survey.add(chunk)
            if max_gb is not None and path.suffix.lower() == ".gz" and survey.length > max_gb * 10**9:
                raise too_large_error(path, max_gb)
    survey.finish()
    return survey


def fitting_encoding(survey: TextSurvey) -> str:
    """Return the likeliest encoding of a file that is not UTF-8."""
    if b"\0" in survey.first_other:
        return "utf-16-be" if survey.begins_with_nul else "utf-16-le"
    return "cp1252" if any(0x80 <= byte <= 0x9F for byte in survey.first_other) else "latin-1"


def is_utf_8(survey: TextSurvey) -> bool:
    """Return whether most characters beyond ASCII are UTF-8: then the lines with others are damaged."""
    return survey.other_bytes <= survey.utf_8_characters


def require_utf_8(path: str, survey: TextSurvey) -> None:
    """Refuse a file most of whose characters beyond ASCII are not UTF-8; where few are not, their lines are rejected.

    Raises:
        BadInput: the line shows the first of them, and names the encoding that would fit.
    """
    if is_utf_8(survey):
        return
    encoding = fitting_encoding(survey)
    # Where a character of two bytes begins is not known in the middle of a line.
    shown = "characters" if encoding.startswith("utf-16") else repr(survey.first_other.decode(encoding, "replace"))
    raise BadInput(
        f"{path} is no UTF-8 text; {encoding} reads {shown} in it: if that is right, add --encoding {encoding},"
        " else the encoding in which it was written",
        code="wrong_encoding",
        file=path,
        expected="utf-8",
        suggested=encoding,
    )
