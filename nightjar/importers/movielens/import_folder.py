"""Imports a MovieLens folder as it is unpacked: ratings become events, films and people become attributes.

Reads the ml-100k, ml-1m and csv (latest, 20m, 25m, 32m) layouts; writes `raw.*`; used by `nightjar import movielens`.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.importers.import_source import ImportSource
from nightjar.importers.loading import ImportCount, load, require_usable, total_by_table
from nightjar.importers.movielens import raw_rows
from nightjar.importers.movielens.layouts import LAYOUTS, MovieLensLayout
from nightjar.importers.row_checks import check
from nightjar.warehouse.protocol import Warehouse


def import_movielens(warehouse: Warehouse, folder: Path, imported_at: datetime) -> list[ImportCount]:
    """Import one MovieLens folder in one transaction; importing it again adds nothing.

    Raises:
        BadInput: the folder is of no known layout, lacks a file, or a file has no usable row.
    """
    layout = detect_layout(folder)
    with warehouse.importing() as session:
        layout.read(session.scratch, folder)
        sources = []
        for source in _sources(session.scratch, layout, folder):
            check(session.scratch, source, imported_at)
            if source.name in ("interactions", "items"):
                require_usable(session.scratch, source, (str(folder / source.files[0]),))
            sources.append(source)
        return total_by_table([load(session, source, imported_at) for source in sources])


def detect_layout(folder: Path) -> MovieLensLayout:
    """Return the layout of a folder.

    Raises:
        BadInput: it is no folder, of no known layout, or lacks a file; the line names what was looked for.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder", code="no_such_folder", path=folder)
    for layout in LAYOUTS:
        lacking = [file for file in layout.files if not (folder / file).is_file()]
        if not lacking:
            return layout
        if (folder / layout.ratings).is_file():
            raise BadInput(
                f"{folder} looks like {layout.name} but lacks {', '.join(lacking)}",
                code="missing_files",
                path=folder,
                files=lacking,
            )
    looked_for = "; ".join(f"{', '.join(layout.files)} ({layout.name})" for layout in LAYOUTS)
    raise BadInput(
        f"{folder} is no MovieLens folder: looked for {looked_for}", code="not_a_movielens_folder", path=folder
    )


def _sources(connection: duckdb.DuckDBPyConnection, layout: MovieLensLayout, folder: Path) -> Iterator[ImportSource]:
    """Define the sources one after another: all but the first look at the ratings that passed the check."""
    yield raw_rows.interactions(connection, layout.ratings)
    yield raw_rows.items(connection, layout.films)
    yield raw_rows.film_features(connection, layout.films)
    if layout.people is None and (folder / "tags.csv").is_file():
        yield raw_rows.tag_features(connection)
    yield raw_rows.users(connection, layout.people or layout.ratings, has_people=layout.people is not None)
    if layout.people is not None:
        yield raw_rows.user_features(connection, layout.people)
