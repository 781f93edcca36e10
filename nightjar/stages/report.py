"""Writes the report of a published run and adds it to the MLflow run of its model."""

from ml import tracking
from nightjar.contract import progress
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.reporting.report import write_report


def run(settings: Settings, folder: RunFolder) -> str:
    """Write the page into the run folder, log it beside the model, and return its path.

    Attempts that took over a model share its MLflow run; each has a page of its own there.
    """
    model = folder.read_mlflow_run()
    with progress.stage(folder, "report") as done:
        page = write_report(settings, folder)
        tracking.log_artifacts(settings, model["run_id"], page.parent.name, page.parent)
        done.rows, done.unit = page.stat().st_size, "bytes"
    return str(page)
