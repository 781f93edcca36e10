"""Runs a DAG for one data interval in this process, without a scheduler.

`nightjar run` starts it: `python -m dags.support.run_once MODULE --logical-date=... --conf=JSON --events=DESCRIPTOR`.
Airflow and the tasks print to standard output. The events of the tasks go to the file descriptor, one
`nightjar.contract.task_events.TaskEvent` a line. The exit code is 0 when the run succeeded.
"""

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import datetime
from importlib import import_module
from typing import Any

from airflow.providers_manager import ProvidersManager
from airflow.sdk.listener import get_listener_manager

from dags.support.task_reports import ProgressPrinted, TaskReports, report_logged_progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the DAG and return the exit code."""
    options = _parsed(arguments)
    # The commands of the tasks do not inherit it: the reader sees its end when this process ends.
    os.set_inheritable(options.events, False)
    with os.fdopen(options.events, "w", encoding="utf-8", buffering=1) as stream:
        reports = TaskReports(stream)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _: reports.stop(128 + received))
        get_listener_manager().add_listener(reports)
        report_logged_progress(reports)
        with redirect_stdout(ProgressPrinted(sys.stdout, reports)):
            try:
                return 0 if _succeeds(options.module, options.logical_date, options.conf) else 1
            except Exception as error:
                traceback.print_exc(file=sys.stdout)
                reports.failed(error)
                return 1


def _succeeds(module: str, logical_date: datetime, conf: dict[str, Any]) -> bool:
    ProvidersManager().initialize_providers_configuration()
    dag = import_module(module).dag
    return bool(dag.test(logical_date=logical_date, run_conf=conf).state == "success")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dags.support.run_once")
    parser.add_argument("module", help="module of the DAG file; its `dag` is the DAG")
    parser.add_argument("--logical-date", type=datetime.fromisoformat, required=True)
    parser.add_argument("--conf", type=json.loads, required=True)
    parser.add_argument("--events", type=int, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
