"""The Airflow plugin: buttons of tasks, a listener of runs, timetable, deadline, page of tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.listeners import hookimpl
from airflow.models.deadline import Deadline
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.plugins_manager import AirflowPlugin
from sqlalchemy.orm import object_session

from dags.support.alerts import LATE, RunQueuedAt, is_of_backfill
from dags.support.failure_records import failure_note, record_unreported_failures
from dags.support.links import MLflowRunLink, RunReportLink
from dags.support.run_notes import date_line, merged_note, with_date
from dags.support.tables_app import tables_app
from dags.support.task_defaults import OUTCOME
from dags.support.timetable import DataDateTimetable
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval
from nightjar.contract.places import TABLES_PATH
from nightjar.contract.schedule import Schedule
from nightjar.contract.settings import load_settings

# The DAG whose runs have a data date and a deadline.
_NIGHTLY = "nightly_recommendations"


class RunListener:
    """Writes the note of a run, first its data date and at the end its outcome, and maintains its deadline."""

    @hookimpl
    def on_dag_run_running(self, dag_run: Any, msg: str) -> None:
        """Note the data date; give a run that was cleared a new deadline."""
        if dag_run.dag_id == _NIGHTLY:
            _note_data_date(dag_run)
            _set_deadline(dag_run, load_settings().deadline_minutes)

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Note what was published."""
        _write_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Note the failure, have it recorded where the task could not, and remove the deadline."""
        _set_deadline(dag_run, 0)
        _write_failure(dag_run)


class NightjarPlugin(AirflowPlugin):
    """Registered as an entry point of the package."""

    name = "nightjar"
    listeners = [RunListener()]  # noqa: RUF012
    timetables = [DataDateTimetable]  # noqa: RUF012
    deadline_references = [RunQueuedAt]  # noqa: RUF012
    operator_extra_links = [MLflowRunLink(), RunReportLink()]  # noqa: RUF012
    fastapi_apps = [  # noqa: RUF012
        {"name": "Nightjar's tables", "app": tables_app, "url_prefix": TABLES_PATH.rstrip("/")}
    ]
    external_views = [  # noqa: RUF012
        {"name": "Nightjar's tables", "href": TABLES_PATH, "destination": "nav", "category": "browse"}
    ]


def _note_data_date(dag_run: Any) -> None:
    if object_session(dag_run) is None:
        return
    try:
        dag_run.note = with_date(dag_run.note, date_line(_interval(dag_run)))
    except BadInput:
        # The task `begin` reports the error.
        return


def _interval(dag_run: Any) -> DataInterval:
    schedule = Schedule(load_settings().schedule)
    if requested := (dag_run.conf or {}).get("data_date"):
        return schedule.of_date(requested)
    if dag_run.data_interval_start is None:
        return schedule.last_complete(datetime.now(UTC))
    return DataInterval(dag_run.data_interval_start, dag_run.data_interval_end)


def _set_deadline(dag_run: Any, minutes: int) -> None:
    """Give a run one deadline, `minutes` after it was queued; 0, or a backfill: none. A missed one stays."""
    session = object_session(dag_run)
    if session is None:
        return
    pending = [each for each in dag_run.deadlines if not each.missed]
    if minutes == 0 or is_of_backfill(dag_run):
        for each in pending:
            session.delete(each)
        return
    at = dag_run.queued_at + timedelta(minutes=minutes)
    for each in pending:
        each.deadline_time = at
    if not pending:
        bundle = dag_run.dag_model.bundle_name
        session.add(Deadline(at, LATE, dag_run.id, None, dag_id=dag_run.dag_id, bundle_name=bundle))


def _write_failure(dag_run: Any) -> None:
    session = object_session(dag_run)
    if session is None:
        return
    failed = [each for each in dag_run.get_task_instances(session=session) if each.state == "failed"]
    outcomes = session.scalars(XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=OUTCOME)).all()
    if note := failure_note(failed, outcomes, XComModel.deserialize_value):
        dag_run.note = merged_note(dag_run.note, note)
    begin_results = XComModel.get_many(
        run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=XCOM_RETURN_KEY, task_ids="begin"
    )
    attempt = session.scalars(begin_results).first()
    record_unreported_failures(dag_run, XComModel.deserialize_value(attempt) if attempt else None, failed)


def _write_note(dag_run: Any) -> None:
    session = object_session(dag_run)
    if session is None:
        return
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=OUTCOME)
    outcomes = sorted(session.scalars(query), key=lambda xcom: xcom.timestamp)
    if outcomes:
        dag_run.note = merged_note(dag_run.note, str(XComModel.deserialize_value(outcomes[-1])))
