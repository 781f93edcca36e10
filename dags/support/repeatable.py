"""Makes a group of dbt tasks repeatable: a run that is cleared, or that a backfill processes again, builds its models.

Cosmos takes every further attempt of the build for a retry: it skips the build, and each model's task is to start a dbt
of its own. Clearing a run in place raises the attempt too, so a second backfill of a date would build nothing.
"""

from functools import partial
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException
from cosmos.operators.watcher import DbtProducerWatcherOperator

from warehouse.settings import dbt_secrets, load_settings


class RepeatableBuild(DbtProducerWatcherOperator):
    """The dbt build of a group; every attempt builds, and none keeps the warehouse's password."""

    def get_env(self, context: Context) -> Any:
        """Return dbt's environment: what Airflow keeps of the task, and the secrets that it never sees."""
        return {**super().get_env(context), **dbt_secrets(load_settings())}

    def execute(self, context: Context, **kwargs: Any) -> Any:
        """Build as if it were the first attempt."""
        first = context["ti"].model_copy(update={"try_number": 1})
        return super().execute(Context(**{**context, "ti": first, "task_instance": first}), **kwargs)


def make_repeatable(build: Any, reporters: list[Any]) -> None:
    """Let the build run on each attempt, and its reporters tell what it left, never build.

    So the build alone writes, and the reporters need not queue for the warehouse. Cosmos names the operators' classes
    itself and offers no place for others: they are changed on the finished group.
    """
    build.__class__ = RepeatableBuild
    for task in reporters:
        task._handle_retry = _report_as_at_first
        task._fallback_to_non_watcher_run = partial(_refuse_to_build, build.task_id)


def _report_as_at_first(try_number: int, build_state: str | None, context: Context) -> None:
    """Go on to what the build said of the model, whichever attempt this is."""


def _refuse_to_build(build: str, try_number: int, context: Context) -> bool:
    raise AirflowFailException(f"{build} has not built this model: its log says why; clear {build} to build again")
