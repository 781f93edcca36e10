"""`nightjar run`, `backfill` and `rollback`: what changes the published state."""

import getpass
from datetime import timedelta
from importlib import import_module
from typing import Annotated

import typer

from ml.cli.night import parse_instant, run_night
from ml.cli.summary import print_summary
from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.errors import BadInput
from warehouse.interval import of_date
from warehouse.rollback import model_uri, roll_back
from warehouse.settings import load_settings

Publish = Annotated[str, typer.Option(help="auto, never or force: who may see the result.")]
IngestedBefore = Annotated[str | None, typer.Option(help="See only rows that had arrived by then (ISO 8601).")]


def run(
    date: Annotated[str, typer.Option(help="The night's data date, YYYY-MM-DD.")],
    publish: Publish = "auto",
    ingested_before: IngestedBefore = None,
) -> None:
    """Run the nightly DAG for one date, without a scheduler."""
    settings = load_settings()
    night = run_night(settings, of_date(date), publish=publish, ingested_before=parse_instant(ingested_before))
    print_summary(settings, night)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First data date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last data date, YYYY-MM-DD.")],
    publish: Publish = "auto",
    ingested_before: IngestedBefore = None,
) -> None:
    """Run the nightly DAG for each date of a range; it stops at the first date that fails."""
    settings = load_settings()
    interval, end = of_date(first), of_date(last)
    if interval.start > end.start:
        raise BadInput(f"--from {first} lies after --to {last}")
    while interval.start <= end.start:
        print(f"{interval.data_date}", flush=True)
        run_night(settings, interval, publish=publish, ingested_before=parse_instant(ingested_before))
        interval = of_date(str((interval.start + timedelta(days=1)).date()))


def rollback(
    to: Annotated[str, typer.Option(help="The publication that readers shall see.")],
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")],
    actor: Annotated[str, typer.Option(help="Who wants it; the ledger keeps it. Empty: the user of this shell.")] = "",
) -> None:
    """Point readers to an earlier publication and MLflow's alias `champion` to its model, without retraining."""
    settings = load_settings()
    warehouse = DuckDBWarehouse(settings.warehouse_path)
    entry = roll_back(warehouse, to, actor=actor or getpass.getuser(), reason=reason)
    # After the transaction: readers come first, and the same command again moves the alias if this fails.
    model_version = model_uri(warehouse, to).rpartition("/")[2]
    import_module("ml.tracking").set_champion(settings, model_version)
    print(f"{entry.publication_id} is current; it was {entry.previous_publication_id}")


def register(app: typer.Typer) -> None:
    """Add the commands to the main app."""
    for command in (run, backfill, rollback):
        app.command()(command)
