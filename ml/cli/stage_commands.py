"""`nightjar stage ...`: what the tasks of the DAG launch, each stage in a process of its own.

A stage's module is imported when it runs: MLflow alone takes seconds to import, and most stages do without it.
"""

from importlib import import_module
from typing import Annotated

import typer

from warehouse.adapters.engines import open_warehouse
from warehouse.errors import GateRefused
from warehouse.progress import MARK
from warehouse.readers import refresh_if_possible
from warehouse.recipe import read_recipe
from warehouse.run_folder import RunFolder
from warehouse.settings import load_settings

app = typer.Typer(no_args_is_help=True)

STAGES = {
    "dbt-inputs": ("ml.stages.build_models", "inputs"),
    "audit-inputs": ("ml.stages.audit", "audit_inputs"),
    "unload": ("ml.stages.unload", "run"),
    "evaluate-model": ("ml.stages.evaluate_model", "run"),
    "gate-model": ("ml.stages.gate_model", "run"),
    "fit-model": ("ml.stages.fit_model", "run"),
    "build-indices": ("ml.stages.build_indices", "run"),
    "load-staging": ("ml.stages.load_staging", "run"),
    "audit-outputs": ("ml.stages.audit", "audit_outputs"),
    "publish": ("ml.stages.publish", "run"),
    "dbt-marts": ("ml.stages.build_models", "marts"),
    "report": ("ml.stages.report", "run"),
}


@app.command()
def begin(
    interval_start: Annotated[str, typer.Option(help="Start of the data interval, ISO 8601 with zone.")],
    interval_end: Annotated[str, typer.Option(help="End of the data interval, ISO 8601 with zone.")],
    run_id: Annotated[str, typer.Option(help="The Airflow run.")],
    publish: Annotated[str, typer.Option(help="auto, never or force.")] = "auto",
    stages: Annotated[str, typer.Option(help="Comma-separated; empty for all.")] = "",
    ingested_before: Annotated[str, typer.Option(help="See only rows that had arrived by then.")] = "",
    note: Annotated[str, typer.Option(help="Free text, kept with the attempt.")] = "",
) -> None:
    """Number the attempt and print its publication id."""
    stage = import_module("ml.stages.begin")
    record = stage.run(
        load_settings(),
        interval_start=interval_start,
        interval_end=interval_end,
        publish=publish,
        stages=stages,
        note=note,
        ingested_before=ingested_before,
        run_id=run_id,
    )
    print(f"{MARK} begin: {record.publication_id} as of {record.interval.as_of.isoformat()}")
    print(record.publication_id)


def _register(name: str, module: str, function: str) -> None:
    def command(publication: Annotated[str, typer.Option(help="The attempt's publication id.")]) -> None:
        settings = load_settings()
        folder = RunFolder.of(settings.lake, publication)
        run_stage = getattr(import_module(module), function)
        try:
            outcome = run_stage(read_recipe(folder.recipe).over(settings), folder)
        except GateRefused:
            # Verdicts are what people look for next.
            refresh_if_possible(open_warehouse(settings), f"{publication} was refused")
            raise
        if outcome is not None:
            print(outcome)

    app.command(name, help=f"Run {module}.")(command)


for _name, (_module, _function) in STAGES.items():
    _register(_name, _module, _function)
