"""Imports vectors of items, one kind a command: all files of it or none.

Reads Parquet and NPZ; writes `raw.item_vectors`; used by `nightjar import vectors`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import BIGINT
from nightjar.contract.tables import table as contract_of
from nightjar.importers.files.delimited_text import readable
from nightjar.importers.files.file_rows import ReadContext, sources_of
from nightjar.importers.files.input_files import find_files
from nightjar.importers.files.vector_file import read_vector_file
from nightjar.importers.import_files import DEFAULT_MAX_GB, paths_of
from nightjar.importers.import_notes import Note, ignore_note
from nightjar.importers.import_source import ImportSource
from nightjar.importers.loading import ImportCount, load, require_usable, total_by_table
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values import ids
from nightjar.importers.values.vectors import MAX_LENGTH
from nightjar.warehouse.protocol import ImportSession, Warehouse

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}")
# The features of items' texts have these names.
_RESERVED = ("text", "title")
_LENGTHS = "lengths_of_vectors"


def import_vectors(
    warehouse: Warehouse,
    kind: str,
    files: Sequence[Path],
    imported_at: datetime,
    *,
    max_gb: int = DEFAULT_MAX_GB,
    columns: Mapping[str, str] | None = None,
    note: Note = ignore_note,
    warn: Note = ignore_note,
) -> list[ImportCount]:
    """Import the files in one transaction; importing them again adds nothing.

    Args:
        warehouse: Its tables must exist.
        kind: What made the vectors.
        files: Files, folders or patterns.
        imported_at: The import's time, from which a vector holds that replaces another.
        max_gb: Gigabytes of numbers that a file may hold.
        columns: Column of the table to a Parquet file's name of it; its other columns are left out.
        note: Called with what is left out.
        warn: Called with readings that the user should check, such as ids that were floats.

    Raises:
        BadInput: the kind is no name, a file is missing or unreadable, has wrong columns, or no usable row; nothing is
            written then.
    """
    _check_kind(kind)
    found = find_files(list(files), note)
    options = ReadOptions(columns=columns or {}, constants={"kind": kind}, ignores_other_columns=True)
    with warehouse.importing() as session:
        reading = ReadContext(session.scratch, contract_of("raw.item_vectors"), options, max_gb, note)
        rows = [read_vector_file(reading, file, f"item_vectors_file_{place}") for place, file in enumerate(found)]
        for each in rows:
            if each.match.left_out:
                note(f"{each.file.path}: left out {', '.join(each.match.left_out[:20])}")
        sources = sources_of(reading, rows)
        length = _length(session, kind, sources)
        sources = [replace(source, vector_length=length) for source in sources]
        forms = ids.survey(session.scratch, sources)
        for source in sources:
            paths = paths_of(source, found)
            with readable(paths[0]):
                warnings = check(session.scratch, source, imported_at, forms)
            for warning in warnings:
                warn(str(warning))
            require_usable(session.scratch, source, [str(path) for path in paths])
        return total_by_table([load(session, source, imported_at) for source in sources])


def _check_kind(kind: str) -> None:
    if not _KIND.fullmatch(kind) or kind in _RESERVED:
        raise BadInput(
            f"--kind {kind!r} is no name of vectors: expected a letter and at most 63 more letters, digits, _ or -, in"
            f" lower case, such as clip, and none of {', '.join(_RESERVED)}",
            code="invalid_option_value",
            option="--kind",
            value=kind,
        )


def _length(session: ImportSession, kind: str, sources: Sequence[ImportSource]) -> int | None:
    """Return the length of the kind's vectors: that in the table, else the most frequent of the files, or the longest.

    None: no vector has a usable length.
    """
    vectors = " union all ".join(f"select vector from {source.relation}" for source in sources)
    session.scratch.execute(
        f"""create temp table {_LENGTHS} as
        select len(vector)::bigint as length, count(*) as frequency from ({vectors})
        where len(vector) between 1 and {MAX_LENGTH} group by all"""
    )
    # From here on no other import writes: two could fix different lengths.
    session.copy_to_target(_LENGTHS, {"length": BIGINT, "frequency": BIGINT})
    known = session.target.execute(
        "select array_length(vector, 1) from raw.item_vectors where kind = $kind limit 1", {"kind": kind}
    ).fetchone()
    if known:
        return int(known[0])
    most = session.scratch.execute(
        f"select length from {_LENGTHS} order by frequency desc, length desc limit 1"
    ).fetchone()
    return int(most[0]) if most else None
