"""The buttons of a task: to the MLflow run of the night and to its report.

Airflow asks for the addresses when the task has ended, in the task's own process, and keeps them for the UI.
"""

from typing import Any

from airflow.sdk import BaseOperatorLink

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings


class MLflowRunLink(BaseOperatorLink):
    """Where parameters, metrics and the model of the night are."""

    name = "MLflow run"
    xcom_key = "mlflow_run_url"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the run."""
        return run_address(_folder(operator))


class NightReportLink(BaseOperatorLink):
    """Where the night's report is: what was published, how good it is, what the gates said, some lists by title."""

    name = "Night's report"
    xcom_key = "night_report_url"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the report among the run's artifacts."""
        folder = _folder(operator)
        address = run_address(folder)
        return f"{address}/artifacts/{folder.report.relative_to(folder.path)}" if address else ""


def run_address(folder: RunFolder) -> str:
    """Return the address of an attempt's MLflow run; empty without a server or before the run has begun."""
    settings = load_settings()
    address = settings.mlflow_public_url or settings.mlflow_url
    if not address or not folder.mlflow_run.exists():
        return ""
    run = folder.read_mlflow_run()
    return f"{address}/#/experiments/{run['experiment_id']}/runs/{run['run_id']}"


def _folder(operator: Any) -> RunFolder:
    return RunFolder.of(load_settings().lake, operator.command[-1])
