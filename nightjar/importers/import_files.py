"""Imports files that a user names: those of each raw table, all of them or none.

Reads delimited text, JSON and Parquet; writes `raw.*`; used by `nightjar import files`.
"""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from nightjar.contract.settings import Settings
from nightjar.importers.column_matching import IMPORTABLE
from nightjar.importers.files.delimited_text import readable
from nightjar.importers.files.file_formats import read_named_file
from nightjar.importers.files.file_rows import ReadContext, sources_of
from nightjar.importers.files.input_files import InputFile, find_files
from nightjar.importers.import_notes import Note, ignore_note
from nightjar.importers.import_source import ImportSource
from nightjar.importers.loading import ImportCount, load, require_usable, total_by_table
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values import ids
from nightjar.importers.values.odd_rows import note_odd_rows
from nightjar.warehouse.protocol import Warehouse

DEFAULT_MAX_GB: int = Settings.model_fields["import_max_gb"].default


def import_files(
    warehouse: Warehouse,
    files: Mapping[str, Path | Sequence[Path]],
    imported_at: datetime,
    *,
    max_gb: int = DEFAULT_MAX_GB,
    options: Mapping[str, ReadOptions] | None = None,
    note: Note = ignore_note,
    warn: Note = ignore_note,
) -> list[ImportCount]:
    """Import the files of each named table in one transaction; importing the same files again adds nothing.

    Args:
        warehouse: Its tables must exist.
        files: The path or paths of each raw table's files, by the table's name without schema; a folder stands for the
            files in it, a pattern for those that it matches.
        imported_at: The import's time: arrival of the rows, version of changed attributes, start of the future.
        max_gb: Gigabytes of text that a compressed file may hold.
        options: How each table's files are written, by the table's name; defaults for the others.
        note: Called with what was detected, what is left out, and what looks unusual.
        warn: Called with readings that the user should check, such as ids that were floats.

    Raises:
        BadInput: a file is missing, unreadable, too large, has wrong columns, or a table's files have no usable row;
            nothing is written then.
    """
    named = {
        name: find_files([paths] if isinstance(paths, Path) else list(paths), note) for name, paths in files.items()
    }
    with warehouse.importing() as session, tempfile.TemporaryDirectory(prefix="nightjar-import-") as folder:
        sources = []
        for name, of_table in named.items():
            table_options = (options or {}).get(name, ReadOptions())
            reading = ReadContext(session.scratch, IMPORTABLE[name], table_options, max_gb, note)
            sources += read_sources(reading, of_table, Path(folder))
        forms = ids.survey(session.scratch, sources)
        for source in sources:
            paths = paths_of(source, named[source.table.name])
            with readable(paths[0]):
                warnings = check(session.scratch, source, imported_at, forms)
            for warning in warnings:
                warn(str(warning))
            require_usable(session.scratch, source, [str(path) for path in paths])
        counts = total_by_table([load(session, source, imported_at) for source in sources])
        for source in sources:
            note_odd_rows(session.scratch, source, note)
        return counts


def read_sources(reading: ReadContext, files: Sequence[InputFile], folder: Path) -> list[ImportSource]:
    """Read the files of one table, at least one, into sources; compressed ones are decompressed into the folder.

    Raises:
        BadInput: a file cannot be read with the options.
    """
    rows = []
    for place, file in enumerate(files):
        name = f"{reading.table.name}_file_{place}"
        decompressed = folder / name
        decompressed.mkdir()
        rows.append(read_named_file(reading, file, decompressed, name))
    return sources_of(reading, rows)


def paths_of(source: ImportSource, files: Sequence[InputFile]) -> list[Path]:
    """Return where the files of a source lie, in their order."""
    by_name = {file.display_name: file.path for file in files}
    return [by_name[name] for name in source.files]
