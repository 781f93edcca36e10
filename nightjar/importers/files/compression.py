"""Opens compressed files (gzip, zstd, bzip2, xz, zip) and refuses those that hold far more than their size.

A few kilobytes can decompress to terabytes: the size in a file's header is not trusted. DuckDB reads gzip itself; the
others are decompressed to a temporary file.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from nightjar.contract.errors import BadInput

CHUNK_BYTES = 1 << 20
SUFFIXES = (".gz", ".zst", ".bz2", ".xz", ".zip")
_FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException, zipfile.BadZipFile, NotImplementedError)
_KINDS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}


def too_large_error(path: Path, max_gb: int) -> BadInput:
    """Return the error of a compressed file that holds too much."""
    return BadInput(
        f"{path} holds more than {max_gb} GB, the most that NIGHTJAR_IMPORT_MAX_GB lets a compressed file hold",
        code="packed_file_too_large",
        file=path,
        setting="NIGHTJAR_IMPORT_MAX_GB",
        value=max_gb,
    )


@contextmanager
def open_decompressed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its bytes, decompressed.

    Raises:
        BadInput: it is not in the format of its suffix, also while it is read.
    """
    kind = _KINDS.get(path.suffix.lower())
    try:
        with _open(path) as file:
            yield file
    except _FAULTS as error:
        if kind is None or getattr(error, "errno", None):
            raise
        raise BadInput(
            f"{path} is no {kind} file that can be decompressed: {str(error)[:200]}", code="unreadable_file", file=path
        ) from error


def decompress(path: Path, folder: Path, max_gb: int) -> Path:
    """Return a file that DuckDB can read: the file itself, or what it holds, written into the folder.

    Raises:
        BadInput: it is not in the format of its suffix, holds more than `max_gb` gigabytes (10^9 bytes), or is a zip of
            several files.
    """
    if path.suffix.lower() not in SUFFIXES or path.suffix.lower() == ".gz":
        return path
    target = folder / decompressed_name(path)
    left = max_gb * 10**9
    with open_decompressed(path) as file, target.open("wb") as decompressed:
        while chunk := file.read(CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise too_large_error(path, max_gb)
            decompressed.write(chunk)
    return target


def decompressed_name(path: Path) -> str:
    """Return the name of what a compressed file holds.

    Raises:
        BadInput: it is no zip file, or holds several files.
    """
    if path.suffix.lower() == ".zip":
        return Path(_only_member(path).filename).name
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def _open(path: Path) -> Any:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)
        case ".bz2":
            return bz2.open(path)
        case ".xz":
            return lzma.open(path)
        case ".zst":
            return pa.input_stream(str(path), compression="zstd")
        case ".zip":
            return zipfile.ZipFile(path).open(_only_member(path))
    return path.open("rb")


def _only_member(path: Path) -> zipfile.ZipInfo:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir() and not _is_system_file(each)]
    except _FAULTS as error:
        raise BadInput(
            f"{path} is no zip file that can be decompressed: {str(error)[:200]}", code="unreadable_file", file=path
        ) from error
    if len(members) != 1:
        shown = ", ".join(each.filename[:80] for each in members[:5]) or "none"
        raise BadInput(
            f"{path} holds {len(members)} files ({shown}): expected one; extract it and name what to read",
            code="several_files_in_archive",
            file=path,
            count=len(members),
        )
    if members[0].flag_bits & 1:
        raise BadInput(f"{path} is encrypted: extract it and name the file", code="encrypted_file", file=path)
    return members[0]


def _is_system_file(member: zipfile.ZipInfo) -> bool:
    return member.filename.startswith("__MACOSX/") or Path(member.filename).name.startswith(".")
