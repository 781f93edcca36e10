"""Prints every DAG of the folder as JSON: its settings, its tasks, its edges and the commands they would run.

Run in a process of its own, whose environment is that of one home: Airflow reads its configuration on import.
"""

import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseOperator

INTERVAL = {
    "data_interval_start": datetime(2026, 3, 31, tzinfo=UTC),
    "data_interval_end": datetime(2026, 4, 1, tzinfo=UTC),
}


def context(dag: DAG) -> dict[str, Any]:
    """What Airflow would offer to the templates of the first attempt at 2026-03-31."""
    return {
        **INTERVAL,
        **(dag.user_defined_macros or {}),
        "params": dag.params.dump(),
        "run_id": "scheduled__2026-04-01",
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: "2026-03-31.1"),
    }


def command(task: BaseOperator, dag: DAG) -> list[str] | None:
    """The command of one of our own tasks, rendered."""
    if hasattr(task, "command"):
        return [task.render_template(part, context(dag)) for part in task.command]
    if hasattr(task, "application_args"):
        return ["spark-submit", task.application, *(task.render_template(task.application_args, context(dag)))]
    return None


def describe(dag: DAG) -> dict[str, Any]:
    """One DAG as plain values."""
    return {
        "tags": sorted(dag.tags),
        "doc": dag.doc_md or "",
        "timetable": type(dag.timetable).__name__,
        "catchup": dag.catchup,
        "params": sorted(dag.params),
        "tasks": {
            task.task_id: {
                "type": type(task).__name__,
                "owner": task.owner,
                "retries": task.retries,
                "pool": task.pool,
                "upstream": sorted(task.upstream_task_ids),
                "trigger_rule": task.trigger_rule.value,
                "command": command(task, dag),
            }
            for task in dag.tasks
        },
    }


if __name__ == "__main__":
    bag = DagBag(sys.argv[1])
    described = {"errors": bag.import_errors, "dags": {key: describe(dag) for key, dag in bag.dags.items()}}
    print("\n" + json.dumps(described, default=str))
