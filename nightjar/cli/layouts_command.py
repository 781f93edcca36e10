"""`nightjar import layouts`: the layouts for `nightjar import files --layout`."""

from pathlib import Path

import typer

from nightjar.contract.settings import load_settings
from nightjar.importers.files.compression import opened
from nightjar.importers.files.input_files import find_files
from nightjar.importers.import_notes import ignore_note
from nightjar.importers.layouts.catalogue import known_layouts, matching
from nightjar.importers.read_options import ReadOptions

_LONGEST_LINE = 1_000_000


def layouts() -> None:
    """List the layouts of public data sets and of the home: tables, usual file names, source of the data.

    A layout of your own is a TOML file with the same keys: name it with --layout my.toml, or store it in the home as
    layouts/NAME.toml and name it with --layout NAME.
    """
    for name, known in known_layouts(load_settings().home, lambda line: typer.echo(f"note: {line}")).items():
        typer.echo(f"{name}{'' if known.is_shipped else f' ({known.path})'}")
        typer.echo(f"  {known.layout.description}")
        for table, of_table in known.layout.tables.items():
            typer.echo(f"  --{table.replace('_', '-')} {' '.join(of_table.files) or 'FILE'}")
        if known.layout.source:
            typer.echo(f"  {known.layout.source}")


def layouts_for(path: Path, table: str) -> dict[str, ReadOptions]:
    """Return the layouts that match a file, or the first of a folder or pattern, for one raw table."""
    file = find_files([path], ignore_note)[0].path
    with opened(file) as unpacked:
        first_line = unpacked.readline(_LONGEST_LINE).decode("latin-1")
    return matching(known_layouts(load_settings().home), table, file, first_line)
