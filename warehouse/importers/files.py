"""Imports files that a user names: one for each raw table, all of them or none.

Reads CSV, JSON lines and Parquet; writes `raw.*`; used by `nightjar import files`.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from warehouse.adapters.protocol import Warehouse
from warehouse.importers.columns import IMPORTABLE
from warehouse.importers.contract import check
from warehouse.importers.delimited import readable
from warehouse.importers.loading import ImportCount, load, require_usable
from warehouse.importers.named_file import read_named_file
from warehouse.importers.options import ReadOptions
from warehouse.settings import Settings

DEFAULT_MAX_GB: int = Settings.model_fields["import_max_gb"].default


def import_files(
    warehouse: Warehouse,
    files: Mapping[str, Path],
    imported_at: datetime,
    *,
    max_gb: int = DEFAULT_MAX_GB,
    options: Mapping[str, ReadOptions] | None = None,
) -> list[ImportCount]:
    """Import one file for each named table in one transaction; importing the same files again adds nothing.

    Args:
        warehouse: Its tables must exist.
        files: The path of each raw table's file, by the table's name without schema.
        imported_at: The import's time: arrival of the rows, version of changed attributes, start of the future.
        max_gb: Gigabytes of text that a packed file may hold.
        options: How each table's files are written, by the table's name; of the others nothing is said.

    Raises:
        BadInput: a file is missing, unreadable, too large, has wrong columns or no usable row; nothing is written then.
    """
    with warehouse.importing() as session:
        sources = [
            read_named_file(session.scratch, IMPORTABLE[name], path, max_gb, (options or {}).get(name, ReadOptions()))
            for name, path in files.items()
        ]
        for path, source in zip(files.values(), sources, strict=True):
            with readable(path):
                check(session.scratch, source, imported_at)
            require_usable(session.scratch, source, str(path))
        return [load(session, source, imported_at) for source in sources]
