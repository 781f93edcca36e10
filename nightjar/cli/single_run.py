"""Runs the nightly DAG for one interval without a scheduler and prints the progress lines of its stages."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from nightjar.cli.run_events import Failure, RunEvents
from nightjar.contract import prepared_commands
from nightjar.contract.environment import RUNNER, child_environment, spark_environment, with_variables
from nightjar.contract.errors import BadInput, GateRefused, NightjarError
from nightjar.contract.prepared_commands import FORK_SERVER, SPARK_SESSION, Server
from nightjar.contract.settings import Settings
from nightjar.contract.spark_submission import session_options
from nightjar.contract.stages import STAGES
from nightjar.contract.task_events import RUNNING, TaskEvent
from nightjar.publishing.request_checks import check_request
from nightjar.publishing.run_failures import FAILED, RunFailure, is_recorded, outcome_of, store_failure
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.runner_process import this_process
from nightjar.publishing.unfinished_attempts import RUN
from nightjar.stack.prepare_home import mark_prepared, missing_preparation, prepare_data
from nightjar.warehouse.engines import open_warehouse

_ERRORS = {2: BadInput, 3: GateRefused}
# What the command of every stage needs, before the modules of the stages.
_ALWAYS = ("nightjar.cli.main", "nightjar.warehouse.dbt_process")
# What the modules of the stages import, in parts that take half a second: no command waits for all of them.
_LARGE = (
    "scipy.stats",
    "matplotlib.axes",
    "mlflow.entities",
    "mlflow.data",
    "mlflow.tracking",
    "mlflow",
    "sklearn.manifold",
)
_MODULE, _DAG = "dags.support.run_once", "dags.nightly_recommendations"


@dataclass(frozen=True)
class CompletedRun:
    """One completed run of the DAG: its publication, the file with all its output, its duration."""

    publication_id: str
    log: Path
    seconds: float


def run_single(settings: Settings, request: RunRequest) -> CompletedRun:
    """Run the DAG on one interval in a process of its own; print the stages' progress lines.

    Raises:
        BadInput: the run cannot succeed; refused before anything is started.
        BadInput, GateRefused, NightjarError: a task failed; codes and reason are those of the first failed task.
    """
    with _Servers(settings, request) as servers, with_variables(servers.variables):
        _check(settings, request)
        return _run(settings, request, servers)


def _run(settings: Settings, request: RunRequest, servers: "_Servers") -> CompletedRun:
    started, began = time.monotonic(), datetime.now(UTC)
    log = settings.home / "logs" / f"nightly_recommendations-{request.interval.data_date}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    events = RunEvents()
    try:
        with log.open("w", encoding="utf-8") as output, _started(settings, request, output) as (process, lines):
            # Beside the start of Airflow, which waits for the end of its input.
            prepare_data(settings)
            if process.stdin:
                process.stdin.close()
            for line in lines:
                event = TaskEvent.from_json(line)
                if event.state == RUNNING and not events.publication_id:
                    # The first task runs.
                    mark_prepared(settings.airflow_home)
                line_for_operator = events.read(event)
                if line_for_operator is not None:
                    print(f"{time.monotonic() - started:7.1f} s  {line_for_operator}", flush=True)
                servers.prepare_rest()
    except KeyboardInterrupt:
        _record_failure(settings, request, events, began, -signal.SIGINT, "nightjar run was stopped from the keyboard")
        raise
    if process.returncode != 0 or not events.publication_id:
        failure = events.failure or Failure(1, f"airflow stopped with exit code {process.returncode}")
        _record_failure(settings, request, events, began, process.returncode, failure.reason)
        raise _ERRORS.get(failure.exit_code, NightjarError)(
            f"{failure.reason} (all output: {log})", code=failure.code or "run_failed", log=str(log)
        )
    return CompletedRun(events.publication_id, log, time.monotonic() - started)


class _Servers:
    """The servers of a run's commands, where the system has them.

    What dbt needs is imported first. The rest follows with the first task: until then the run waits for Airflow to
    start, which needs the processor itself.
    """

    def __init__(self, settings: Settings, request: RunRequest) -> None:
        self._later: list[tuple[Server, list[str]]] = []
        self._stack = ExitStack()
        self.variables: dict[str, str] = {}
        if not prepared_commands.IS_POSSIBLE:
            return
        environment = child_environment(settings)
        commands = self._served(FORK_SERVER, "nightjar.contract.fork_server", [], environment)
        commands.start(*_ALWAYS)
        has_jobs = any(each.is_spark_job and each.group in request.stages for each in STAGES)
        if has_jobs and settings.spark_master.startswith("local"):
            of_spark = {**spark_environment(environment), "PYSPARK_SUBMIT_ARGS": session_options(settings)}
            session = self._served(SPARK_SESSION, "spark_jobs.session_server", [str(settings.home)], of_spark)
            self._later.append((session, []))
        modules = [each.runs.partition(":")[0] for each in STAGES if not each.is_spark_job]
        self._later.append((commands, [*_LARGE, *modules]))

    def __enter__(self) -> "_Servers":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare_rest(self) -> None:
        """Start what is not started yet."""
        while self._later:
            server, lines = self._later.pop(0)
            server.start(*lines)

    def _served(self, variable: str, module: str, arguments: list[str], environment: dict[str, str]) -> Server:
        server = self._stack.enter_context(Server(variable, module, arguments, environment))
        self.variables |= server.variables
        return server


def _check(settings: Settings, request: RunRequest) -> None:
    """Refuse a run that cannot succeed before Airflow is started; record the refusal as one of `begin`.

    A refusal because the warehouse cannot be opened is not recorded: it could not store the row.
    """
    refusal = None
    with open_warehouse(settings).connect(read_only=True) as connection:
        try:
            check_request(settings, connection, request)
        except BadInput as error:
            refusal = error
    if refusal is not None:
        day, code = request.interval.data_date, refusal.exit_code
        store_failure(settings, RunFailure(RUN, "begin", outcome_of(code), str(refusal), code, data_date=day))
        raise refusal


@contextmanager
def _started(
    settings: Settings, request: RunRequest, output: IO[str]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    """Start the DAG's process; yield it and the lines of its events; wait for its end."""
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as lines:
        try:
            process = subprocess.Popen(
                _command(settings, request, writer),
                env=_environment(settings),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[writer],
            )
        finally:
            # The lines end when the process closes its end.
            os.close(writer)
        try:
            yield process, lines
        except BaseException:
            process.terminate()
            raise
        finally:
            process.wait()


def _command(settings: Settings, request: RunRequest, events: int) -> list[str]:
    return [
        # -P: a folder `dags` in the working directory is not this project's.
        *(sys.executable, "-P", "-u", "-m", _MODULE, _DAG),
        *("--logical-date", request.interval.start.isoformat(), "--conf", json.dumps(_params(request))),
        *("--prepare", json.dumps(missing_preparation(settings.airflow_home)), "--events", str(events)),
    ]


def _environment(settings: Settings) -> dict[str, str]:
    # Without a scheduler no one checks a deadline, and `DAG.test` of 3.3 fails when a run with one ends.
    return {**child_environment(settings), "NIGHTJAR_DEADLINE_MINUTES": "0", RUNNER: this_process()}


def _record_failure(
    settings: Settings, request: RunRequest, events: RunEvents, began: datetime, exit_code: int, reason: str
) -> None:
    """Record why the run failed, unless one of its tasks has."""
    day = request.interval.data_date
    if not is_recorded(settings, since=began, data_date=day):
        outcome = FAILED if events.failure else outcome_of(exit_code)
        failure = RunFailure(RUN, RUN, outcome, reason, exit_code, events.publication_id or None, day)
        store_failure(settings, failure)


def _params(request: RunRequest) -> dict[str, object]:
    before = request.ingested_before
    return {
        "publish": request.publish_mode,
        "stages": list(request.stages),
        "ingested_before": before.isoformat() if before else None,
        "note": request.note,
    }
