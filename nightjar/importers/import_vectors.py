"""Imports vectors of items or of users, one kind a command: all files of it or none.

Reads Parquet and NPZ; writes `raw.item_vectors` and `raw.user_vectors`; used by `nightjar import vectors`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from nightjar.contract.tables import table as contract_of
from nightjar.importers.files.delimited_text import readable
from nightjar.importers.files.file_rows import ReadContext, sources_of
from nightjar.importers.files.input_files import find_files
from nightjar.importers.files.vector_file import read_vector_file
from nightjar.importers.import_files import DEFAULT_MAX_GB, paths_of
from nightjar.importers.import_notes import Note, ignore_note
from nightjar.importers.loading import ImportCount, load, require_usable, total_by_table
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values import ids
from nightjar.importers.vector_kinds import check_kind, fixed_length
from nightjar.warehouse.protocol import Warehouse

Of = Literal["items", "users"]
TABLES: dict[Of, str] = {"items": "raw.item_vectors", "users": "raw.user_vectors"}
"""The raw table of the vectors of each."""


def import_vectors(
    warehouse: Warehouse,
    kind: str,
    files: Sequence[Path],
    imported_at: datetime,
    *,
    of: Of = "items",
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
        of: What has the vectors.
        max_gb: Gigabytes of numbers that a file may hold.
        columns: Column of the table to a Parquet file's name of it; its other columns are left out.
        note: Called with what is left out.
        warn: Called with readings that the user should check, such as ids that were floats.

    Raises:
        BadInput: the kind is no name, a file is missing or unreadable, has wrong columns, or no usable row; nothing is
            written then.
    """
    check_kind(kind)
    found = find_files(list(files), note)
    options = ReadOptions(columns=columns or {}, constants={"kind": kind}, ignores_other_columns=True)
    with warehouse.importing() as session:
        table = contract_of(TABLES[of])
        reading = ReadContext(session.scratch, table, options, max_gb, note)
        rows = [read_vector_file(reading, file, f"{table.name}_file_{place}") for place, file in enumerate(found)]
        for each in rows:
            if each.match.left_out:
                note(f"{each.file.path}: left out {', '.join(each.match.left_out[:20])}")
        sources = sources_of(reading, rows)
        length = fixed_length(session, kind, sources)
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
