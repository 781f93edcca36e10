"""How the files of each table of one import are written: by a layout, by typed options, or both."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

import typer

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import load_settings
from nightjar.importers.layouts.catalogue import find_layout
from nightjar.importers.read_options import ReadOptions


def options_by_table(
    tables: Iterable[str], typed: ReadOptions, layout: Mapping[str, ReadOptions] | None = None
) -> dict[str, ReadOptions]:
    """Return how the files of each table are written.

    Typed options hold for the interactions, or for the one table of the command; a layout has options for each table.

    Raises:
        BadInput: the options could be meant for several tables, or the layout has no section for a table.
    """
    names = list(tables)
    found = {name: (layout or {}).get(name, ReadOptions()) for name in names}
    lacking = [name for name in names if layout and name not in layout]
    if lacking:
        raise BadInput(
            f"the layout has no section for {', '.join(lacking)}: it has {', '.join(layout or {})}",
            code="missing_tables",
            option="--layout",
            tables=lacking,
            expected=[*(layout or {})],
        )
    if typed == ReadOptions():
        return found
    if "interactions" not in found and len(found) > 1:
        raise BadInput(
            f"the options are meant for one table, not for {', '.join(names)}: import one at a time",
            code="options_for_several_tables",
            tables=[*names],
        )
    meant = "interactions" if "interactions" in found else names[0]
    found[meant] = _over(found[meant], typed)
    return found


def _over(layout: ReadOptions, typed: ReadOptions) -> ReadOptions:
    """Return the options of a layout, replaced by typed ones."""
    usual = ReadOptions()
    changed = {
        each.name: getattr(typed, each.name)
        for each in fields(ReadOptions)
        if getattr(typed, each.name) != getattr(usual, each.name)
    }
    for name in ("columns", "constants"):
        changed[name] = {**getattr(layout, name), **getattr(typed, name)}
    # A column that is now a constant is not read, and the other way round.
    changed["columns"] = {name: each for name, each in changed["columns"].items() if name not in typed.constants}
    changed["constants"] = {name: each for name, each in changed["constants"].items() if name not in typed.columns}
    return replace(layout, **changed)


def constants_of_layout(layout: str, read: Mapping[str, ReadOptions], typed: ReadOptions) -> list[str]:
    """Return a line for each column whose value in every row comes from the layout."""
    return [
        f"{table}: {column} is {text!r} in every row, by layout {layout}"
        for table, options in read.items()
        for column, text in options.constants.items()
        if column not in typed.constants
    ]


def named_layout(name: str | None) -> Mapping[str, ReadOptions] | None:
    """Return the layout of a name or file, by table; nothing where none is named."""
    if name is None:
        return None
    return find_layout(name, load_settings().home, lambda line: typer.echo(f"note: {line}")).options
