"""Runs a DAG for one data interval in this process, without a scheduler.

`nightjar run` starts it: `python -m dags.support.run_once MODULE --logical-date=... --conf=JSON --prepare=JSON
--events=DESCRIPTOR`. The run begins when standard input ends. Airflow and the tasks print to standard output. The
events of the tasks go to the file descriptor, one `nightjar.contract.task_events.TaskEvent` a line. The exit code is 0
when the run succeeded.
"""

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from airflow.providers_manager import ProvidersManager
from airflow.sdk.execution_time.supervisor import in_process_api_server
from airflow.sdk.listener import get_listener_manager

from dags.support import airflow_commands
from dags.support.task_reports import ProgressPrinted, TaskReports, report_logged_progress
from nightjar.contract.errors import NightjarError


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
                return 0 if _succeeds(options) else 1
            except Exception as error:
                traceback.print_exc(file=sys.stdout)
                reports.failed(error)
                return 1


def _succeeds(options: argparse.Namespace) -> bool:
    with _database_prepared(options.prepare):
        ProvidersManager().initialize_providers_configuration()
        dag = import_module(options.module).dag
        # Otherwise the first task waits for it: four seconds.
        _ = in_process_api_server().app
    sys.stdin.read()
    return bool(dag.test(logical_date=options.logical_date, run_conf=options.conf).state == "success")


@contextmanager
def _database_prepared(commands: list[list[str]]) -> Iterator[None]:
    """Run commands that prepare the metadata database, in a process of their own, beside a body that does not use it.

    Raises:
        NightjarError: a command failed; standard output says why.
    """
    if not commands:
        yield
        return
    # It has Airflow imported, where it can be forked.
    context: Any = get_context("fork" if sys.platform == "linux" else "spawn")
    process = context.Process(target=airflow_commands.main, args=(commands,))
    process.start()
    yield
    process.join()
    if process.exitcode != 0:
        raise NightjarError(
            f"Airflow's metadata database could not be prepared: exit code {process.exitcode}",
            code="command_failed",
            exit_code=process.exitcode,
        )


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dags.support.run_once")
    parser.add_argument("module", help="module of the DAG file; its `dag` is the DAG")
    parser.add_argument("--logical-date", type=datetime.fromisoformat, required=True)
    parser.add_argument("--conf", type=json.loads, required=True)
    parser.add_argument("--prepare", type=json.loads, required=True, help="commands of Airflow that come first")
    parser.add_argument("--events", type=int, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
