"""The buttons of a task: to the MLflow run and to the run report.

Airflow calls `get_link` when the task has ended, in the task's own process, and stores the addresses for the UI.
"""

from typing import Any

from airflow.sdk import BaseOperatorLink

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings


class MLflowRunLink(BaseOperatorLink):
    """Address of the run's parameters, metrics and model in MLflow."""

    name = "MLflow run"
    xcom_key = "mlflow_run_url"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the run."""
        return run_address(_folder(operator))


class RunReportLink(BaseOperatorLink):
    """Address of the run report: outcome, metrics, gate decisions, some recommendations by title."""

    name = "Run report"
    # The key of earlier versions, so that the buttons of their tasks stay.
    xcom_key = "night_report_url"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the report among the run's artifacts."""
        folder = _folder(operator)
        address = run_address(folder)
        return f"{address}/artifacts/{folder.report.relative_to(folder.path)}" if address else ""


def run_address(folder: RunFolder) -> str:
    """Return the address of an attempt's MLflow run; empty without a server or before the MLflow run exists."""
    settings = load_settings()
    address = settings.mlflow_public_url or settings.mlflow_url
    if not address or not folder.mlflow_run.exists():
        return ""
    run = folder.read_mlflow_run()
    return f"{address}/#/experiments/{run['experiment_id']}/runs/{run['run_id']}"


def _folder(operator: Any) -> RunFolder:
    return RunFolder.of(load_settings().lake, operator.command[-1])
