"""`nightjar import`: fills the raw tables from MovieLens folders, a user's own files, or the demo shop."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from nightjar.cli.import_check import print_check
from nightjar.cli.import_options import column_pairs, with_read_options
from nightjar.cli.import_run import run_import
from nightjar.cli.layout_options import constants_of_layout, named_layout, options_by_table
from nightjar.cli.layouts_command import layouts, layouts_for
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.file_access import check_readable
from nightjar.contract.interval import parse_date
from nightjar.contract.settings import load_settings
from nightjar.importers.column_matching import IMPORTABLE
from nightjar.importers.demo_shop.served_days import import_served_days
from nightjar.importers.demo_shop.shop_options import ShopOptions
from nightjar.importers.files.file_check import check_file
from nightjar.importers.import_files import import_files
from nightjar.importers.import_vectors import TABLES, Of, import_vectors
from nightjar.importers.movielens.import_folder import import_movielens
from nightjar.importers.read_options import ReadOptions
from nightjar.warehouse import event_weights
from nightjar.warehouse.engines import open_warehouse

app = typer.Typer(help="Fill the raw tables. Importing the same data again adds nothing.", no_args_is_help=True)

_SHOP = ShopOptions()
# `readable=False` below: what cannot be read is refused by `check_readable`, with its owner and what to do.


@app.command()
def movielens(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", readable=False, help="Unpacked archive: ml-100k, ml-1m, latest, 20m to 32m."),
    ],
) -> None:
    """Import a MovieLens folder: ratings, films with genres, years and tags, users with their attributes."""
    run_import(lambda warehouse: import_movielens(warehouse, folder, datetime.now(UTC)), [folder])


@app.command()
@with_read_options
def files(
    interactions: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False, help="user_id, item_id, occurred_at; may have event_id, event_type, value, ingested_at."
        ),
    ] = None,
    items: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False, help="item_id; may have domain, title, available_from, available_until, recorded_at."
        ),
    ] = None,
    item_features: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False, help="item_id, feature (kind:value); may have weight (0 withdraws it), recorded_at."
        ),
    ] = None,
    users: Annotated[
        list[Path] | None, typer.Option(readable=False, help="user_id; may have created_at, recorded_at.")
    ] = None,
    user_features: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False, help="user_id, feature (kind:value); may have weight (0 withdraws it), recorded_at."
        ),
    ] = None,
    exposures: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False,
            help="user_id, item_id, rank, shown_at; may have exposure_id, variant, publication_id, ingested_at.",
        ),
    ] = None,
    *,
    layout: str | None,
    typed: ReadOptions,
) -> None:
    """Import your own files with the columns of the raw tables: delimited text, JSON or Parquet, compressed or not.

    Each option takes a file, a folder or a quoted pattern, and may be repeated; all of it is imported or nothing. A
    folder named event_type=purchase gives that value to its rows. Names are also understood as user, item,
    event, rating (for value) and time, timestamp or ts. Times are ISO 8601, UTC where no zone is given, or unix times.
    A file with other columns is refused whole; rows that break a rule go to raw.rejected_rows with file, line and
    reason. Attributes without recorded_at are valid from the start; where a later file differs, it is a new version.

    The options for how files are written hold for the interactions, or for the one table of the command; a layout has
    them for each table. `nightjar import check FILE` detects them and prints the command.
    """
    given = {
        "interactions": interactions,
        "items": items,
        "item_features": item_features,
        "users": users,
        "user_features": user_features,
        "exposures": exposures,
    }
    named = {table: paths for table, paths in given.items() if paths}
    if not named:
        raise BadInput(
            "nothing to import: expected --interactions FILE, --items FILE or another table's files",
            code="missing_option",
            option="--interactions",
        )
    read = options_by_table(named, typed, named_layout(layout))
    for line in constants_of_layout(layout, read, typed) if layout else ():
        typer.echo(f"note: {line}")
    max_gb = load_settings().import_max_gb
    run_import(
        lambda warehouse: import_files(
            warehouse,
            named,
            datetime.now(UTC),
            max_gb=max_gb,
            options=read,
            note=lambda line: typer.echo(f"note: {line}"),
            warn=lambda line: typer.echo(f"warning: {line}"),
        ),
        [path for paths in named.values() for path in paths],
    )


@app.command()
def vectors(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", readable=False, help="Files, folders, or quoted patterns.")
    ],
    kind: Annotated[str, typer.Option(help="What made the vectors, such as clip.")],
    of: Annotated[str, typer.Option(help="What has the vectors: items or users.")] = "items",
    columns: Annotated[
        list[str] | None, typer.Option(help="Columns with other names: item_id=asin,vector=embedding.")
    ] = None,
) -> None:
    """Import vectors of items or users, as an encoder of images, sounds or texts gives them: Parquet or NPZ.

    Parquet has the columns item_id (or user_id) and vector, a list of numbers, and may have recorded_at; other columns
    are left out. NPZ has the arrays ids (n) and vectors (n, length). Vectors of a kind are equally long. All files are
    imported or none; rows that break a rule go to raw.rejected_rows with file, row and reason. A vector without
    recorded_at is valid from the start; where a later file differs, it is a new version.
    """
    if of not in TABLES:
        raise BadInput(
            f"--of {of!r} is unknown: expected {' or '.join(TABLES)}",
            code="unknown_option_value",
            option="--of",
            value=of,
            expected=[*TABLES],
        )
    pairs, max_gb = column_pairs(columns or ()), load_settings().import_max_gb
    run_import(
        lambda warehouse: import_vectors(
            warehouse,
            kind,
            files,
            datetime.now(UTC),
            of=cast(Of, of),
            max_gb=max_gb,
            columns=pairs,
            note=lambda line: typer.echo(f"note: {line}"),
            warn=lambda line: typer.echo(f"warning: {line}"),
        ),
        files,
    )


app.command()(layouts)


@app.command()
@with_read_options
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="A file, a folder, or a quoted pattern.")
    ],
    table: Annotated[str, typer.Option(help="Raw table that the rows are meant for.")] = "interactions",
    *,
    layout: str | None,
    typed: ReadOptions,
) -> None:
    """Print how a file would be read, five rows, and the command that imports it; nothing is written.

    Options that are not given are detected: format, delimiter, encoding, header, columns by their usual names, and
    times. What only you can decide is listed as unsure.
    """
    name = table.replace("-", "_")
    if name not in IMPORTABLE:
        raise BadInput(
            f"--table {table!r} is unknown: expected {', '.join(IMPORTABLE)}",
            code="unknown_table",
            option="--table",
            value=table,
            expected=[*IMPORTABLE],
        )
    read = options_by_table([name], typed, named_layout(layout))[name]
    check_readable([file])
    layouts_to_try = layouts_for(file, name) if read == ReadOptions() else {}
    max_gb = load_settings().import_max_gb
    found = check_file(file, IMPORTABLE[name], read, layouts_to_try, datetime.now(UTC), max_gb)
    print_check(found, file, name, _weighted_types())


def _weighted_types() -> set[str]:
    """Return the event types that have a weight in the warehouse, or where there is none yet, as shipped."""
    try:
        with open_warehouse(load_settings()).connect(read_only=True) as connection:
            return {row.event_type for row in event_weights.read(connection)}
    except NightjarError:
        return {row.event_type for row in event_weights.shipped()}


@app.command("demo-shop")
def demo_shop(
    seed: Annotated[int, typer.Option(help="Equal options give equal rows.")] = _SHOP.seed,
    users: Annotated[int, typer.Option(help="Customers, with and without events.")] = _SHOP.users,
    items: Annotated[int, typer.Option(help="Items in each of the domains films, books, games.")] = _SHOP.items,
    days: Annotated[int, typer.Option(help="Days of events.")] = _SHOP.days,
    last_date: Annotated[str, typer.Option(help="The last day of events, YYYY-MM-DD.")] = str(_SHOP.last_date),
    nights: Annotated[
        int, typer.Option(min=0, help="Days after the last one on which customers see what was published before them.")
    ] = 0,
) -> None:
    """Import a made-up shop with planted tastes, several event types and an experiment with two variants.

    With --nights, customers come back on the days after the last one. Half of them, by a hash of the user id, see the
    recommendations of the newest publication of an earlier date, half its popular items. What they click and buy by
    their tastes becomes events and exposures. Run the pipeline for the days in between to close the loop; a day that
    was served is not changed.
    """
    shop = ShopOptions(seed, users, items, days, parse_date(last_date, option="--last-date"))
    run_import(lambda warehouse: import_served_days(warehouse, shop, nights))
