"""Runs one Spark task as Airflow would and prints its result as JSON; a separate process, as describe_dags.

Arguments: the program to submit instead of the job's, and more Spark properties as JSON.
"""

import json
import sys
from types import SimpleNamespace
from typing import Any

from dags.support.command_errors import CommandFailed
from dags.support.spark_tasks import spark_job

if __name__ == "__main__":
    notes: dict[str, Any] = {}
    task = spark_job("build_features")
    task.application = sys.argv[1]
    task.application_args = []
    task.conf |= json.loads(sys.argv[2])
    try:
        task.execute({"ti": SimpleNamespace(xcom_push=notes.__setitem__)})
        failure = None
    except CommandFailed as error:
        failure = [type(error).__name__, error.exit_code, error.code, error.reason]
    print("\n" + json.dumps({"failure": failure, "notes": notes}))
