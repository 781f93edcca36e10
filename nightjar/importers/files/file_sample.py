"""Copies the beginning of a file to a file of its own, which is quick to check."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.errors import BadInput
from nightjar.importers.files.compression import decompressed_name, open_decompressed
from nightjar.importers.files.file_formats import Format

SAMPLE_BYTES = 4_000_000
SAMPLE_ROWS = 20_000
# What is not cut at a line, because its objects go over several.
_LARGEST_WHOLE = 64_000_000


@dataclass(frozen=True)
class FileSample:
    """The beginning of a file.

    Attributes:
        path: Where it lies, decompressed.
        is_whole: Whether it is all of the file.
        rows: How many the file has, where that is known.
    """

    path: Path
    is_whole: bool
    rows: int | None = None


def cut_sample(path: Path, form: Format, folder: Path) -> FileSample:
    """Write the beginning of a file into a folder, under its decompressed name.

    Raises:
        BadInput: it is not in the format of its suffix, is no Parquet file, or has to be read whole and is too large.
    """
    target = folder / decompressed_name(path)
    if form == "parquet":
        return _cut_parquet(path, target)
    with open_decompressed(path) as file:
        start = file.read(SAMPLE_BYTES)
        is_whole = not file.read(1)
        if not is_whole and start.lstrip()[:1] == b"[" and form == "json":
            with open_decompressed(path) as again:
                start = again.read(_LARGEST_WHOLE + 1)
            if len(start) > _LARGEST_WHOLE:
                raise BadInput(
                    f"{path} is one array of more than 64 MB: check a part of it", code="file_too_large", file=path
                )
            is_whole = True
    if not is_whole:
        start = start[: _last_line_end(start)]
    target.write_bytes(start)
    return FileSample(target, is_whole)


def estimated_rows(path: Path, sample: FileSample, rows: int) -> int | None:
    """Return about how many rows a file has, from the rows of its sample; nothing where it is compressed."""
    if sample.rows is not None:
        return sample.rows
    if sample.is_whole:
        return rows
    if path.name != sample.path.name:
        return None
    return rows * path.stat().st_size // sample.path.stat().st_size


def _last_line_end(text: bytes) -> int:
    """Return where the last whole line ends, in UTF-16 on an even byte, and as far back as quotes are closed."""
    wide = text.startswith((b"\xff\xfe", b"\xfe\xff"))
    end = text.rfind(b"\n") + 1 or text.rfind(b"\r") + 1 or len(text)
    while not wide and end > 0 and text.count(b'"', 0, end) % 2 and text.rfind(b"\n", 0, end - 1) > 0:
        end = text.rfind(b"\n", 0, end - 1) + 1
        if len(text) - end > SAMPLE_BYTES // 10:
            break
    return end + (end % 2 if wide else 0)


def _cut_parquet(path: Path, target: Path) -> FileSample:
    try:
        with (
            open_decompressed(path) as file,
            pq.ParquetFile(pa.BufferReader(file.read()) if _is_packed(path) else path) as whole,
        ):
            batch = next(whole.iter_batches(SAMPLE_ROWS), None)
            rows, schema = int(whole.metadata.num_rows), whole.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{path} is no readable Parquet file", code="unreadable_file", file=path) from error
    table = pa.Table.from_batches([batch] if batch is not None else [], schema)
    pq.write_table(table, target)
    return FileSample(target, rows <= table.num_rows, rows)


def _is_packed(path: Path) -> bool:
    return decompressed_name(path) != path.name
