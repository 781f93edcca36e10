"""Prints the result of `nightjar import check`: how a file would be read, and the command that imports it."""

import shlex
from collections.abc import Collection
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table as Grid

from nightjar.importers.files.file_check_result import FileCheck
from nightjar.importers.read_options import NULL_WORDS, ReadOptions
from nightjar.importers.values.value_warnings import TIME_KINDS
from nightjar.warehouse.event_weights import normal_name

_FLAGS = {
    "delimiter": "--delimiter",
    "escape": "--escape",
    "encoding": "--encoding",
    "time_format": "--time-format",
    "time_unit": "--time-unit",
    "time_zone": "--time-zone",
}
_NAMES = {"\t": "tab"}


def import_command(path: Path, table: str, options: ReadOptions, layout: str | None) -> str:
    """Return the command that imports a file with these options, quoted for a shell."""
    words = ["nightjar", "import", "files", f"--{table.replace('_', '-')}", str(path)]
    if layout is not None:
        return shlex.join([*words, "--layout", layout])
    if options.columns:
        words += ["--columns", ",".join(f"{column}={name}" for column, name in options.columns.items())]
    for column, text in options.constants.items():
        words += ["--set", f"{column}={text}"]
    for name, flag in _FLAGS.items():
        value = getattr(options, name)
        words += [] if value is None else [flag, _NAMES.get(value, value)]
    if options.quote is not None:
        words += ["--quote", options.quote or "none"]
    if options.header is not None:
        words.append("--header" if options.header else "--no-header")
    if options.null_words != NULL_WORDS:
        words += ["--null-words", ",".join(options.null_words)]
    words += ["--decimal-comma"] if options.decimal_comma else []
    words += ["--ignore-other-columns"] if options.ignores_other_columns else []
    return shlex.join(words)


def print_check(check: FileCheck, path: Path, table: str, weighted: Collection[str]) -> None:
    """Print how a file is read, five of its rows, and the command; event types not in `weighted` are marked."""
    more = f", the first of {check.files:,} files" if check.files > 1 else ""
    rows = "" if check.estimated_rows is None else f", about {check.estimated_rows:,} rows"
    typer.echo(f"{check.file}{more}: {_format(check)}{rows}")
    for column, name in check.columns.items():
        typer.echo(f"  {column} is {_field(check, name)}")
    for column, text in check.constants.items():
        typer.echo(f"  {column} is always {text!r}")
    if check.left_out:
        typer.echo(f"  not read: {', '.join(check.left_out)}")
    if check.first_time and check.last_time:
        kinds = " and ".join(dict.fromkeys(TIME_KINDS.get(kind, kind) for kind in check.time_kinds if kind))
        first, last = (f"{each:%Y-%m-%d %H:%M:%S}" for each in (check.first_time, check.last_time))
        typer.echo(f"  times are {kinds or 'constant'}, from {first} to {last} UTC")
    if check.event_types:
        counted = (
            f"{name} {count:,}{'' if normal_name(name) in weighted else ' (no weight)'}"
            for name, count in check.event_types.items()
        )
        typer.echo(f"  event types: {', '.join(counted)}")
    typer.echo(
        f"first {check.checked_rows:,} rows: {check.usable_rows:,} usable, {sum(check.rejected.values()):,} rejected"
    )
    for reason, count in list(check.rejected.items())[:5]:
        typer.echo(f"  {count:,}: {reason}")
    _print_rows(check)
    for note in check.notes:
        typer.echo(f"note: {note}")
    for question in check.open_questions:
        typer.echo(f"unsure: {question}")
    typer.echo(f"import it with:\n  {import_command(path, table, check.options, check.layout)}")


def _format(check: FileCheck) -> str:
    if check.form != "text":
        return {"json": "JSON", "parquet": "Parquet"}[check.form]
    options = check.options
    header = "without a header" if options.header is False else "with a header"
    delimiter = f", delimited by {_NAMES.get(options.delimiter, options.delimiter)}" if options.delimiter else ""
    return f"text{delimiter}, {(options.encoding or 'utf-8').upper()}, {header}"


def _field(check: FileCheck, name: str) -> str:
    return f"field {name}" if check.options.header is False else name


def _print_rows(check: FileCheck) -> None:
    if not check.shown:
        return
    grid = Grid(box=None, pad_edge=False)
    for column in check.shown[0]:
        grid.add_column(column, no_wrap=True, max_width=40)
    for row in check.shown:
        grid.add_row(*("" if value is None else str(value) for value in row.values()))
    Console(markup=False, highlight=False, emoji=False).print(grid)
