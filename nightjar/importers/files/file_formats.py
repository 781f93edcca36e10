"""Reads one file that a user names for one raw table, in the format of its suffix or its first bytes."""

from pathlib import Path
from typing import Literal

from nightjar.contract.errors import BadInput
from nightjar.importers.files.compression import decompress, decompressed_name, open_decompressed
from nightjar.importers.files.file_rows import FileRows, ReadContext
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.files.json_file import read_json_file
from nightjar.importers.files.parquet_file import read_parquet_file
from nightjar.importers.files.text_file import SUFFIX_DELIMITERS, read_text_file
from nightjar.importers.read_options import ReadOptions

Format = Literal["text", "json", "parquet"]

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_PARQUET_SUFFIXES = (".parquet", ".pq", ".parq")
# The first bytes decide the format of these.
_OPEN_SUFFIXES = ("", ".txt", ".dat", ".data", ".log")
_FIXES = {
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".xlsm"), "save the sheet as CSV UTF-8"),
    **dict.fromkeys(
        (".tar", ".tgz", ".7z", ".rar", ".lz4", ".lzo", ".snappy"), "extract it, or compress it as .gz or .zst"
    ),
    **dict.fromkeys((".avro", ".orc", ".feather", ".arrow", ".pkl", ".h5", ".rds"), "write it as Parquet"),
}


def read_named_file(reading: ReadContext, file: InputFile, folder: Path, name: str) -> FileRows:
    """Read a file into the relations of `name`.

    Args:
        reading: Where to, for which table, and how it is written.
        file: What to read.
        folder: An empty folder for what it decompresses to, removed after the import.
        name: Of the view of the rows, and the beginning of the names of its tables.

    Raises:
        BadInput: its format is unknown or not that of its suffix, its columns are wrong, or it is compressed and holds
            more text than it may.
    """
    if file.path.stat().st_size == 0:
        raise BadInput(f"{file.path} is empty", code="empty_file", file=file.path)
    form = format_of(file.path, reading.options)
    path = decompress(file.path, folder, reading.max_gb)
    if form == "parquet":
        rows = read_parquet_file(reading, file, path, name)
    elif form == "json":
        rows = read_json_file(reading, file, path, name)
    else:
        rows = read_text_file(reading, file, path, text_suffix(file.path), name)
    if rows.match.left_out:
        shown = ", ".join(rows.match.left_out[:20])
        reading.note(f"{file.path}: left out {shown}{' and others' if len(rows.match.left_out) > 20 else ''}")
    return rows


def format_of(path: Path, options: ReadOptions) -> Format:
    """Return the format of a file.

    Raises:
        BadInput: it is unknown or cannot be read; names the conversion that helps.
    """
    suffix = text_suffix(path)
    if suffix in _PARQUET_SUFFIXES:
        return "parquet"
    if suffix in _JSON_SUFFIXES:
        return "json"
    if suffix in SUFFIX_DELIMITERS:
        return "text"
    if suffix in _OPEN_SUFFIXES or options.delimiter is not None:
        with open_decompressed(path) as decompressed:
            start = decompressed.read(4096)
        if start.startswith(b"PAR1"):
            return "parquet"
        return "json" if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "text"
    fix = f"; {_FIXES[suffix]}" if suffix in _FIXES else ""
    raise BadInput(
        f"{path} has no known suffix: expected .csv, .tsv, .jsonl, .ndjson, .json, .txt, .dat (each also with .gz,"
        f" .zst, .bz2, .xz or .zip) or .parquet{fix or '; name the delimiter of other text with --delimiter'}",
        code="unknown_suffix",
        file=path,
    )


def text_suffix(path: Path) -> str:
    """Return the suffix, in lower case, of a file or of what it decompresses to."""
    suffix = Path(decompressed_name(path).lower()).suffix
    # Programs that write a file in parts number them.
    return "" if suffix[1:].isdigit() else suffix
