"""Writes down tasks that ended without a word; launched by the listener of Airflow's runs."""

from collections.abc import Sequence
from datetime import date, datetime

from nightjar.contract.settings import Settings
from nightjar.publishing.run_failures import DIED, RunFailure, is_recorded, reason_without_output, store_failure


def run(
    settings: Settings, *, dag_id: str, run_id: str, tasks: Sequence[str], publication_id: str, data_date: str
) -> None:
    """Write one row for each task whose failure nobody has written down since its last try began.

    Args:
        settings: of the home.
        dag_id: the DAG.
        run_id: the Airflow run.
        tasks: each as `task@instant`, when its last try began.
        publication_id: of the run's attempt; empty for none.
        data_date: of the run; empty for none.
    """
    for each in tasks:
        task, _, started = each.partition("@")
        if is_recorded(settings, since=datetime.fromisoformat(started), dag_id=dag_id, run_id=run_id, task=task):
            continue
        store_failure(
            settings,
            RunFailure(
                run_id=run_id,
                task=task,
                outcome=DIED,
                reason=reason_without_output(task),
                publication_id=publication_id or None,
                data_date=date.fromisoformat(data_date) if data_date else None,
                dag_id=dag_id,
            ),
        )
