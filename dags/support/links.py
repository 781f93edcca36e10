"""The buttons of a task: to the MLflow run of the night and to its report.

Airflow asks for the addresses when the task has ended, in the task's own process, and keeps them for the UI.
"""

import json
from typing import Any

from airflow.sdk import BaseOperatorLink

from warehouse.run_folder import RunFolder
from warehouse.settings import load_settings


class MLflowRunLink(BaseOperatorLink):
    """Where parameters, metrics and the model of the night are."""

    name = "MLflow run"
    xcom_key = "mlflow_run_url"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the run."""
        return run_address(operator.command[-1])


class NightReportLink(BaseOperatorLink):
    """Where the night's report is: what was published, how good it is, what the gates said, some lists by title."""

    name = "Night's report"
    xcom_key = "night_report_url"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the report among the run's artifacts."""
        address = run_address(operator.command[-1])
        return f"{address}/artifacts/report/{operator.command[-1]}.html" if address else ""


def run_address(publication_id: str) -> str:
    """Return the address of a publication's MLflow run; empty without a server or before the run has begun."""
    settings = load_settings()
    tracked = RunFolder.of(settings.lake, publication_id).path / "mlflow_run.json"
    if not settings.mlflow_url or not tracked.exists():
        return ""
    run = json.loads(tracked.read_text(encoding="utf-8"))
    return f"{settings.mlflow_url}/#/experiments/{run['experiment_id']}/runs/{run['run_id']}"
