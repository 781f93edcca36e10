"""Who is told when a night fails or is late: nobody by default, a notifier of Airflow by two settings."""

import json
import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Context, DeadlineAlert, DeadlineReference, SyncCallback
from airflow.sdk.module_loading import import_string

from warehouse.errors import BadInput
from warehouse.settings import Settings, load_settings

log = logging.getLogger(__name__)


def on_failure(settings: Settings) -> list[Any]:
    """Return the callbacks of a failed run: the configured notifier, or none.

    Raises:
        BadInput: the setting names no class, or its arguments are no JSON object.
    """
    if not settings.failure_notifier:
        return []
    try:
        return [import_string(settings.failure_notifier)(**json.loads(settings.failure_notifier_arguments))]
    except (ImportError, ValueError, TypeError) as error:
        raise BadInput(f"NIGHTJAR_FAILURE_NOTIFIER={settings.failure_notifier!r}: {error}") from error


def deadline(settings: Settings) -> DeadlineAlert | None:
    """Return the alert for a run that has not ended in time, counted from when it was queued, or none."""
    if settings.deadline_minutes == 0:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=settings.deadline_minutes),
        callback=SyncCallback("dags.support.alerts.late"),
        name="the night is late",
    )


def late(context: Context | None = None, **_: Any) -> None:
    """Say that a run is late. Not of a backfill: its runs wait for each other, and nobody waits for them."""
    run = dict(context or {}).get("dag_run") or {}
    run_type = run.get("run_type") if isinstance(run, dict) else getattr(run, "run_type", None)
    if str(run_type) == "backfill":
        return
    log.warning("the run has not ended %d minutes after it was queued", load_settings().deadline_minutes)
    for notify in on_failure(load_settings()):
        notify(context)
