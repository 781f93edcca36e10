"""What Airflow itself loads of Nightjar: the buttons of tasks, and the listener that writes a run's note."""

import re
from typing import Any

from airflow.listeners import hookimpl
from airflow.models.xcom import XComModel
from airflow.plugins_manager import AirflowPlugin
from sqlalchemy.orm import object_session

from dags.support.links import MLflowRunLink, NightPlotsLink
from dags.support.run import OUTCOME

_OURS = re.compile(r"^(\d{4}-\d{2}-\d{2}\.\d+ |\w+: )")


class OutcomeNote:
    """Writes the outcome of a run as its note: one line that says what became of the night."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Note what was published."""
        _write_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Note what failed."""
        _write_note(dag_run)


class NightjarPlugin(AirflowPlugin):
    """Registered as an entry point of the package."""

    name = "nightjar"
    listeners = [OutcomeNote()]  # noqa: RUF012
    operator_extra_links = [MLflowRunLink(), NightPlotsLink()]  # noqa: RUF012


def _write_note(dag_run: Any) -> None:
    session = object_session(dag_run)
    if session is None:
        return
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=OUTCOME)
    found = sorted(session.scalars(query), key=lambda xcom: xcom.timestamp)
    if found:
        dag_run.note = merged_note(dag_run.note, str(XComModel.deserialize_value(found[-1])))


def merged_note(before: str | None, outcome: str) -> str:
    """Put the outcome above what people wrote; an outcome of an earlier try is replaced."""
    kept = [line for line in (before or "").splitlines() if not _OURS.match(line)]
    return "\n".join([" ".join(outcome.split()), *kept])[:1000]
