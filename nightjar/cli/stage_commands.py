"""`nightjar stage ...`: what the tasks of the DAG launch, one process a stage.

A stage's module is imported when it runs: MLflow alone takes seconds to import, and most stages do without it.
"""

from importlib import import_module
from typing import Annotated

import typer

from nightjar.cli.tune_commands import register_stages
from nightjar.contract.errors import GateRefused
from nightjar.contract.progress import MARK
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings
from nightjar.contract.stages import STAGES, Stage
from nightjar.contract.tuned_configuration import read_tuned_configuration
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.readers_snapshot import refresh_if_possible

app = typer.Typer(no_args_is_help=True)


@app.command()
def begin(
    run_id: Annotated[str, typer.Option(help="The Airflow run.")],
    interval_start: Annotated[str, typer.Option(help="Start of the data interval, ISO 8601 with zone.")] = "",
    interval_end: Annotated[str, typer.Option(help="End of the data interval, ISO 8601 with zone.")] = "",
    data_date: Annotated[str, typer.Option(help="Date that a single run asks for instead, YYYY-MM-DD.")] = "",
    run_type: Annotated[str, typer.Option(help="scheduled, manual or backfill, as Airflow says it.")] = "manual",
    publish: Annotated[str, typer.Option(help="auto, never or force.")] = "auto",
    stages: Annotated[str, typer.Option(help="Comma-separated; empty for all.")] = "",
    ingested_before: Annotated[str, typer.Option(help="See only rows that had arrived by then.")] = "",
    note: Annotated[str, typer.Option(help="Free text, kept with the attempt.")] = "",
) -> None:
    """Number the attempt and print its publication id."""
    stage = import_module("nightjar.stages.begin")
    record = stage.run(
        load_settings(),
        interval_start=interval_start,
        interval_end=interval_end,
        data_date=data_date,
        run_type=run_type,
        publish=publish,
        stages=stages,
        note=note,
        ingested_before=ingested_before,
        run_id=run_id,
    )
    print(f"{MARK} begin: {record.publication_id} as of {record.interval.as_of.isoformat()}")
    print(record.publication_id)


@app.command()
def write_down_failure(
    dag_id: Annotated[str, typer.Option(help="The DAG.")],
    run_id: Annotated[str, typer.Option(help="The Airflow run.")],
    task: Annotated[list[str], typer.Option(help="TASK@INSTANT: a task that failed, and when its last try began.")],
    publication: Annotated[str, typer.Option(help="The attempt's publication id; empty for none.")] = "",
    data_date: Annotated[str, typer.Option(help="The run's data date; empty for none.")] = "",
) -> None:
    """Write down failed tasks of a run whose processes could not do so themselves."""
    import_module("nightjar.stages.record_failure").run(
        load_settings(), dag_id=dag_id, run_id=run_id, tasks=task, publication_id=publication, data_date=data_date
    )


def _register(stage: Stage) -> None:
    module, _, function = stage.runs.partition(":")

    def command(publication: Annotated[str, typer.Option(help="The attempt's publication id.")]) -> None:
        settings = load_settings()
        folder = RunFolder.of(settings.lake, publication)
        run_stage = getattr(import_module(module), function)
        try:
            outcome = run_stage(read_tuned_configuration(folder.tuned_configuration).over(settings), folder)
        except GateRefused:
            # The decisions are what people look for next.
            refresh_if_possible(open_warehouse(settings), f"{publication} was refused")
            raise
        if outcome is not None:
            print(outcome)

    app.command(stage.command_name, help=f"Run {module}.")(command)


# `begin` has options of its own, and spark-submit starts the Spark jobs.
for _stage in STAGES:
    if _stage.group and not _stage.is_spark_job:
        _register(_stage)
register_stages(app)
