"""What Airflow itself loads of Nightjar: buttons of tasks, the listener that writes a run's note, a page of tables."""

from typing import Any

from airflow.listeners import hookimpl
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.plugins_manager import AirflowPlugin
from sqlalchemy.orm import object_session

from dags.support.failures import failure_note, write_down_silent_ones
from dags.support.links import MLflowRunLink, NightReportLink
from dags.support.notes import merged_note
from dags.support.run import OUTCOME
from dags.support.tables_app import tables_app
from warehouse.settings import TABLES_PATH


class OutcomeNote:
    """Writes the outcome of a run as its note: one line that says what became of the night."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Note what was published."""
        _write_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Note what failed, and let it be written down where the task could not."""
        _write_failure(dag_run)


class NightjarPlugin(AirflowPlugin):
    """Registered as an entry point of the package."""

    name = "nightjar"
    listeners = [OutcomeNote()]  # noqa: RUF012
    operator_extra_links = [MLflowRunLink(), NightReportLink()]  # noqa: RUF012
    fastapi_apps = [  # noqa: RUF012
        {"name": "Nightjar's tables", "app": tables_app, "url_prefix": TABLES_PATH.rstrip("/")}
    ]
    external_views = [  # noqa: RUF012
        {"name": "Nightjar's tables", "href": TABLES_PATH, "destination": "nav", "category": "browse"}
    ]


def _write_failure(dag_run: Any) -> None:
    session = object_session(dag_run)
    if session is None:
        return
    failed = [each for each in dag_run.get_task_instances(session=session) if each.state == "failed"]
    outcomes = session.scalars(XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=OUTCOME)).all()
    if note := failure_note(failed, outcomes, XComModel.deserialize_value):
        dag_run.note = merged_note(dag_run.note, note)
    begun = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=XCOM_RETURN_KEY, task_ids="begin")
    attempt = session.scalars(begun).first()
    write_down_silent_ones(dag_run, XComModel.deserialize_value(attempt) if attempt else None, failed)


def _write_note(dag_run: Any) -> None:
    session = object_session(dag_run)
    if session is None:
        return
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=OUTCOME)
    found = sorted(session.scalars(query), key=lambda xcom: xcom.timestamp)
    if found:
        dag_run.note = merged_note(dag_run.note, str(XComModel.deserialize_value(found[-1])))
