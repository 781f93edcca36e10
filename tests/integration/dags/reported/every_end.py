"""A DAG whose tasks end in every way, one after the other; of `test_run_once`."""

import sys
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, TriggerRule

from dags.support.command_tasks import NightjarCommand

FAIL_ONCE = """
import os, sys
if os.path.exists(sys.argv[1]):
    print("done")
else:
    open(sys.argv[1], "w")
    print("[nightjar] error (1, warehouse_busy): busy")
    sys.exit(1)
"""


class Prints(BaseOperator):
    """Prints a progress line in Airflow's own process, and fails there."""

    def execute(self, context: Any) -> None:
        print("[nightjar] not a command's line")
        raise KeyError("unforeseen")


def command(task: str, program: str, *arguments: str, **kwargs: Any) -> NightjarCommand:
    return NightjarCommand(task_id=task, command=[sys.executable, "-c", program, *arguments], **kwargs)


with DAG(
    dag_id="every_end",
    schedule=None,
    start_date=datetime(1970, 1, 1),
    default_args={"retries": 1, "retry_delay": timedelta(0), "trigger_rule": TriggerRule.ALL_DONE},
    params={"marker": "", "note": ""},
) as dag:
    (
        command("begin", "print('[nightjar] begin: numbered 100 %'); print('2026-03-31.1')")
        >> command("retried", FAIL_ONCE, "{{ params.marker }}")
        >> command("skipped", "print('[nightjar] skipped (4): nothing to do'); raise SystemExit(4)")
        >> command("killed", "import os; print('epoch 3', flush=True); os.kill(os.getpid(), 9)", retries=0)
        >> Prints(task_id="printed", retries=0)
        >> command("refused", "print('[nightjar] error (2, unknown_column): colour'); raise SystemExit(2)")
    )
