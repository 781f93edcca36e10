"""`nightjar run`, `backfill` and `rollback`: what changes the published state."""

import getpass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Annotated

import typer

from ml.cli.night import run_night
from ml.cli.summary import print_summary
from warehouse.errors import BadInput
from warehouse.interval import of_date, parse_instant
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
    night = run_night(settings, of_date(date), publish=publish, ingested_before=_instant(ingested_before))
    print_summary(settings, night)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First data date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last data date, YYYY-MM-DD.")],
    publish: Publish = "auto",
    ingested_before: IngestedBefore = None,
) -> None:
    """Run the nightly DAG for each date of a range; it stops at the first date that fails."""
    settings = load_settings()
    interval, end, before = of_date(first), of_date(last), _instant(ingested_before)
    if interval.start > end.start:
        raise BadInput(f"--from {first} lies after --to {last}")
    while interval.start <= end.start:
        print(f"{interval.data_date}", flush=True)
        run_night(settings, interval, publish=publish, ingested_before=before)
        interval = of_date(str((interval.start + timedelta(days=1)).date()))


def rollback(
    to: Annotated[str, typer.Option(help="The publication that readers shall see.")],
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")],
) -> None:
    """Point readers to an earlier publication, without retraining."""
    settings = load_settings()
    # Imported when it runs: MLflow takes seconds to import.
    stage = import_module("ml.stages.roll_back")
    entry = stage.run(settings, to, actor=getpass.getuser(), reason=reason)
    print(f"{entry.publication_id} is current; it was {entry.previous_publication_id}")


def _instant(ingested_before: str | None) -> datetime | None:
    return None if ingested_before is None else parse_instant("--ingested-before", ingested_before)


def register(app: typer.Typer) -> None:
    """Add the commands to the main app."""
    for command in (run, backfill, rollback):
        app.command()(command)
