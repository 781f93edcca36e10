"""Runs commands as tasks of one run, as Airflow would, and prints their results as JSON; a separate process.

Argument: a JSON list of {task, command, publication, try_number}.
"""

import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG

from dags.support.command_errors import CommandFailed
from dags.support.command_tasks import NightjarCommand

RUN = SimpleNamespace(
    dag_id="nightly_recommendations", run_id="r", conf={}, data_interval_start=datetime(2026, 3, 31, tzinfo=UTC)
)

if __name__ == "__main__":
    ended: list[dict[str, Any]] = []
    for number, call in enumerate(json.loads(sys.argv[1])):
        notes: dict[str, Any] = {}

        def begin_result(task_ids: str, publication: str | None = call.get("publication")) -> str | None:
            return publication

        with DAG(dag_id=f"d{number}"):
            task = NightjarCommand(task_id=call["task"], command=[sys.executable, "-c", call["command"]])
        ti = SimpleNamespace(
            xcom_push=notes.__setitem__, xcom_pull=begin_result, try_number=call.get("try_number", 3), max_tries=2
        )
        try:
            task.execute({"ti": ti, "dag_run": RUN})  # type: ignore[typeddict-item]
            failure = None
        except CommandFailed as error:
            failure = [type(error).__name__, error.exit_code, error.code, error.reason]
        ended.append({"failure": failure, "note": notes.get("nightjar_outcome")})
    print("\n" + json.dumps(ended))
