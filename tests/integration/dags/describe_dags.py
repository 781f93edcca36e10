"""Prints every DAG of the folder as JSON: its settings, its tasks, its edges and the commands they would run.

Run in a process of its own, whose environment is that of one home: Airflow reads its configuration on import.
"""

import json
import sys
from copy import copy
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.exceptions import ParamValidationError

INTERVAL = {
    "data_interval_start": datetime(2026, 3, 31, tzinfo=UTC),
    "data_interval_end": datetime(2026, 4, 1, tzinfo=UTC),
}
TIMED = ("DataDateTimetable",)
# Typed values of parameters without a default.
TYPED = {"publication": "2026-03-30.1", "reason": "CTR fell; see $(the) report's 2nd page"}
# Typed text that tries to be a template.
TEMPLATE = "{{ 7 * 7 }} {{ conn.spark_default }} {% for each in params %}{{ each }}{% endfor %} $(id)"


def context(dag: DAG, run_type: DagRunType, typed: dict[str, str] = TYPED) -> dict[str, Any]:
    """The context of Airflow's templates for the first attempt at 2026-03-31."""
    params = {name: typed[name] if name in typed else dag.params[name] for name in dag.params}
    return {
        **INTERVAL,
        **(dag.user_defined_macros or {}),
        "params": params,
        "run_id": f"{run_type.value}__2026-04-01",
        "dag_run": SimpleNamespace(run_type=run_type),
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: "2026-03-31.1"),
    }


def command(task: BaseOperator, dag: DAG, run_type: DagRunType) -> list[str] | None:
    """The rendered command of a command task or Spark task."""
    if hasattr(task, "command"):
        return [task.render_template(part, context(dag, run_type)) for part in task.command]
    if hasattr(task, "application_args"):
        arguments = task.render_template(task.application_args, context(dag, run_type))
        return ["spark-submit", task.application, *arguments]
    return None


def parameters_of_any_text(dag: DAG) -> list[str]:
    """The parameters that accept any text."""
    accepting = []
    for name in dag.params:
        try:
            # A copy: a parameter keeps the value it was resolved to.
            copy(dag.params.get_param(name)).resolve(value=TEMPLATE)
            accepting.append(name)
        except ParamValidationError:
            pass
    return accepting


def describe(dag: DAG) -> dict[str, Any]:
    """One DAG as plain values."""
    timetable = type(dag.timetable).__name__
    accepting = parameters_of_any_text(dag)
    return {
        "tags": sorted(dag.tags),
        "doc": dag.doc_md or "",
        "timetable": timetable,
        "catchup": dag.catchup,
        "params": sorted(dag.params),
        "parameters_of_any_text": accepting,
        "tasks": {
            task.task_id: {
                "type": type(task).__name__,
                "owner": task.owner,
                "retries": task.retries,
                "pool": task.pool,
                "priority": task.priority_weight,
                "upstream": sorted(task.upstream_task_ids),
                "trigger_rule": task.trigger_rule.value,
                "command": command(task, dag, DagRunType.SCHEDULED if timetable in TIMED else DagRunType.MANUAL),
                "command_by_hand": command(task, dag, DagRunType.MANUAL),
                "command_of_template": [
                    task.render_template(
                        part, context(dag, DagRunType.MANUAL, TYPED | dict.fromkeys(accepting, TEMPLATE))
                    )
                    for part in getattr(task, "command", [])
                ],
                "kept_by_airflow": {name: str(getattr(task, name, None)) for name in task.template_fields},
            }
            for task in dag.tasks
        },
    }


if __name__ == "__main__":
    bag = DagBag(sys.argv[1])
    described = {"errors": bag.import_errors, "dags": {key: describe(dag) for key, dag in bag.dags.items()}}
    print("\n" + json.dumps(described, default=str))
