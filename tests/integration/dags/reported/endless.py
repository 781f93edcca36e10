"""A DAG with one task whose command never ends and prints its process id; of `test_run_once`."""

import sys
from datetime import datetime

from airflow.sdk import DAG

from dags.support.command_tasks import NightjarCommand

PROGRAM = "import os, time\nwhile True:\n    print('[nightjar]', os.getpid(), flush=True)\n    time.sleep(0.1)"

with DAG(dag_id="endless", schedule=None, start_date=datetime(1970, 1, 1)) as dag:
    NightjarCommand(task_id="endless", command=[sys.executable, "-c", PROGRAM])
