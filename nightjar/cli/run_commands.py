"""`nightjar run`, `backfill` and `rollback`: change the published state."""

import getpass
from importlib import import_module
from typing import Annotated

import typer

from nightjar.cli.run_summary import print_summary
from nightjar.cli.single_run import run_single
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval, of_date, parse_instant
from nightjar.contract.schedule import Schedule
from nightjar.contract.settings import load_settings
from nightjar.contract.stage_groups import parse_stage_groups
from nightjar.publishing.run_request import RunRequest

Stages = Annotated[
    str, typer.Option(help="Stage groups to run: some of inputs,features,model,serving,publication. Empty: all.")
]
Note = Annotated[str, typer.Option(help="Free text, stored with the attempt.")]
Publish = Annotated[str, typer.Option(help="Whether the publication becomes current: auto, never or force.")]
IngestedBefore = Annotated[str | None, typer.Option(help="Use only rows ingested before this time (ISO 8601).")]


def run(
    date: Annotated[str, typer.Option(help="Date in the run's data interval, YYYY-MM-DD.")],
    publish: Publish = "auto",
    stages: Stages = "",
    ingested_before: IngestedBefore = None,
    note: Note = "",
) -> None:
    """Run the nightly DAG for the data interval that holds a date, without a scheduler."""
    settings = load_settings()
    interval = Schedule(settings.schedule).of_date(date)
    if str(interval.data_date) != date:
        print(_described(interval), flush=True)
    completed = run_single(settings, _request(interval, publish, stages, ingested_before, note))
    print_summary(settings, completed)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First data date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last data date, YYYY-MM-DD.")],
    publish: Publish = "auto",
    stages: Stages = "",
    ingested_before: IngestedBefore = None,
    note: Note = "",
) -> None:
    """Run the nightly DAG for each data interval of a range of dates; stop at the first failure."""
    settings = load_settings()
    if of_date(first).start > of_date(last).start:
        raise BadInput(
            f"--from {first} lies after --to {last}", code="reversed_dates", option="--from", value=first, expected=last
        )
    for interval in Schedule(settings.schedule).between(first, last):
        print(_described(interval), flush=True)
        run_single(settings, _request(interval, publish, stages, ingested_before, note))


def rollback(
    to: Annotated[str, typer.Option(help="Publication to make current.")],
    reason: Annotated[str, typer.Option(help="Reason, stored in the ledger.")],
    actor: Annotated[
        str, typer.Option(help="Who requests it, stored in the ledger. Empty: the user of this shell.")
    ] = "",
) -> None:
    """Point readers to an earlier publication and MLflow's alias `champion` to its model, without retraining."""
    settings = load_settings()
    # Imported on use: MLflow takes seconds to import.
    stage = import_module("nightjar.stages.roll_back")
    entry = stage.run(settings, to, actor=actor or getpass.getuser(), reason=reason)
    print(f"{entry.publication_id} is current; it was {entry.previous_publication_id}")


def _described(interval: DataInterval) -> str:
    start, end = (f"{instant:%Y-%m-%d %H:%M}" for instant in (interval.start, interval.end))
    return f"{interval.data_date}: the data interval from {start} to {end} UTC"


def _request(interval: DataInterval, publish: str, stages: str, ingested_before: str | None, note: str) -> RunRequest:
    return RunRequest(
        interval=interval,
        run_id="nightjar run",
        publish_mode=publish,
        stages=parse_stage_groups(stages),
        ingested_before=None if ingested_before is None else parse_instant("--ingested-before", ingested_before),
        note=note,
    )


def register(app: typer.Typer) -> None:
    """Add the commands to the main app."""
    for command in (run, backfill, rollback):
        app.command()(command)
