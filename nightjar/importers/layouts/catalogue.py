"""Finds layouts: those that come with Nightjar, and those of a home, `NIGHTJAR_HOME/layouts/NAME.toml`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.importers.files.compression import decompressed_name
from nightjar.importers.import_notes import Note, ignore_note
from nightjar.importers.layouts.layout import Layout, LayoutTable, read_layout
from nightjar.importers.read_options import ReadOptions

_SHIPPED = Path(__file__).parent
_FOLDER = "layouts"
_BETWEEN_NAMES = re.compile(r'[\s,;|:{}"\[\]]+')


@dataclass(frozen=True)
class KnownLayout:
    """A layout and where it was found."""

    layout: Layout
    path: Path
    is_shipped: bool


def known_layouts(home: Path, note: Note = ignore_note) -> dict[str, KnownLayout]:
    """Return all layouts by name; one of the home takes the place of a shipped one, which is noted.

    Raises:
        BadInput: one of the home is none.
    """
    found = {path.stem: KnownLayout(read_layout(path), path, True) for path in sorted(_SHIPPED.glob("*.toml"))}
    for path in sorted((home / _FOLDER).glob("*.toml")):
        if path.stem in found:
            note(f"layout {path.stem}: {path} takes the place of the one that comes with Nightjar")
        found[path.stem] = KnownLayout(read_layout(path), path, False)
    return dict(sorted(found.items()))


def find_layout(name: str, home: Path, note: Note = ignore_note) -> Layout:
    """Return the layout of a name, or of a path that ends in .toml.

    Raises:
        BadInput: there is none, or it is none; the line names those that there are.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise BadInput(f"--layout {name} is no file", code="no_such_file", option="--layout", path=name)
        return read_layout(path)
    own, shipped = home / _FOLDER / f"{name}.toml", _SHIPPED / f"{name}.toml"
    is_name = re.fullmatch(r"[\w.-]+", name) is not None
    if is_name and own.is_file():
        if shipped.is_file():
            note(f"layout {name}: {own} takes the place of the one that comes with Nightjar")
        return read_layout(own)
    if is_name and shipped.is_file():
        return read_layout(shipped)
    names = sorted({path.stem for folder in (_SHIPPED, home / _FOLDER) for path in folder.glob("*.toml")})
    raise BadInput(
        f"--layout {name!r} is unknown: expected a .toml file or one of {', '.join(names)}",
        code="unknown_layout",
        option="--layout",
        value=name,
        expected=names,
    )


def matching(layouts: Mapping[str, KnownLayout], table: str, path: Path, first_line: str) -> dict[str, ReadOptions]:
    """Return how a file is written by the layouts that it may be of, those first whose file names fit.

    Args:
        layouts: By name.
        table: Name of the raw table that it is meant for.
        path: Of the file, compressed or not.
        first_line: Its first line: names of columns, or an object of JSON lines.
    """
    words = set(_BETWEEN_NAMES.split(first_line))
    by_name, by_columns = {}, {}
    for name, known in layouts.items():
        of_table = known.layout.tables.get(table)
        if of_table is None:
            continue
        has_columns = _has_columns(of_table, words)
        if any(fnmatch(decompressed_name(path).lower(), pattern.lower()) for pattern in of_table.files):
            # Where the first line names columns, others than the layout's are of another data set.
            if has_columns or of_table.options.header is False or not of_table.options.columns:
                by_name[name] = of_table.options
        elif has_columns:
            by_columns[name] = of_table.options
    return {**by_name, **by_columns}


def _has_columns(of_table: LayoutTable, words: set[str]) -> bool:
    options = of_table.options
    if options.header is False or not options.columns:
        return False
    # Of `items[].item_id` each part is a key.
    parts = [part for name in options.columns.values() for part in re.split(r"\[\]\.?|\.", name) if part]
    return all(part in words for name in parts for part in _BETWEEN_NAMES.split(name))
