"""Alerts of a failed or late run: none by default, a notifier of Airflow by two settings."""

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Context, DeadlineAlert, SyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference
from airflow.sdk.module_loading import import_string

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, load_settings

log = logging.getLogger(__name__)

LATE = SyncCallback("dags.support.alerts.late")


def on_failure(settings: Settings) -> list[Any]:
    """Return the callbacks of a failed run: the configured notifier, or none.

    Raises:
        BadInput: the setting names no class, or its arguments are not a JSON object.
    """
    if not settings.failure_notifier:
        return []
    try:
        return [import_string(settings.failure_notifier)(**json.loads(settings.failure_notifier_arguments))]
    except (ImportError, ValueError, TypeError) as error:
        raise BadInput(
            f"NIGHTJAR_FAILURE_NOTIFIER={settings.failure_notifier!r}: {error}",
            code="unusable_notifier",
            setting="NIGHTJAR_FAILURE_NOTIFIER",
            value=settings.failure_notifier,
        ) from error


class RunQueuedAt(BaseDeadlineReference):
    """When a run was queued; never for a run of a backfill, whose runs wait for each other.

    Airflow's own reference of that kind cannot be used: clearing a run that has one fails (3.3.2: its
    `airflow.models.taskinstance` reads the interval, which is stored as an object, as a number). The plugin registers
    this class, and sets a new deadline when a run that was cleared starts.
    """

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime | None:
        # Airflow's database: the scheduler evaluates this, while DAG files are read without one.
        from airflow.models import DagRun

        run = session.query(DagRun).filter_by(dag_id=dag_id, run_id=run_id).one_or_none()
        return None if run is None or is_of_backfill(run) else run.queued_at


def is_of_backfill(run: Any) -> bool:
    """Return whether a backfill created a run, or took it over."""
    return str(getattr(run.run_type, "value", run.run_type)) == "backfill"


def deadline(settings: Settings) -> DeadlineAlert | None:
    """Return the alert for a run that has not ended in time, counted from when it was queued, or none."""
    if settings.deadline_minutes == 0:
        return None
    return DeadlineAlert(
        reference=RunQueuedAt(),
        interval=timedelta(minutes=settings.deadline_minutes),
        callback=LATE,
        name="the run is late",
    )


def late(context: Context | None = None, **_: Any) -> None:
    """Send the alert of a late run, unless it has ended meanwhile or has become one of a backfill."""
    run = dict(context or {}).get("dag_run") or {}
    if run.get("run_type") == "backfill" or run.get("state") in ("success", "failed"):
        return
    log.warning("the run has not ended %d minutes after it was queued", load_settings().deadline_minutes)
    for notify in on_failure(load_settings()):
        notify(context)
