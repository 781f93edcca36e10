"""Makes a group of dbt tasks repeatable: a run that is cleared, or that a backfill processes again, builds its models.

Cosmos takes every further attempt of the build for a retry: it skips the build, and each model's task is to start a dbt
of its own. Clearing a run in place raises the attempt too, so a second backfill of a date would build nothing.
"""

from functools import partial
from typing import Any

from airflow.sdk import Context
from cosmos.operators._watcher.state import is_dbt_node_status_success
from cosmos.operators.watcher import DbtProducerWatcherOperator


class RepeatableBuild(DbtProducerWatcherOperator):
    """The dbt build of a group; every attempt builds."""

    def execute(self, context: Context, **kwargs: Any) -> Any:
        """Build as if it were the first attempt."""
        first = context["ti"].model_copy(update={"try_number": 1})
        return super().execute(Context(**{**context, "ti": first, "task_instance": first}), **kwargs)


def make_repeatable(build: Any, reporters: list[Any]) -> None:
    """Let the build run on each attempt, and its reporters tell what it left.

    Cosmos names the operators' classes itself and offers no place for others: they are exchanged on the finished group.
    """
    build.__class__ = RepeatableBuild
    for task in reporters:
        task._handle_retry = partial(_build_alone_unless_built, task)


def _build_alone_unless_built(task: Any, try_number: int, build_state: str | None, context: Context) -> bool | None:
    if is_dbt_node_status_success(task._get_node_status(context["ti"], context)):
        return None
    alone: bool | None = type(task)._handle_retry(task, try_number, build_state, context)
    return alone
