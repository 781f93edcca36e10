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
from nightjar.contract.environment import RUNNER, child_environment, spark_environment
from nightjar.contract.errors import BadInput, GateRefused, NightjarError
from nightjar.contract.prepared_commands import FORK_SERVER, SPARK_SESSION, serving
from nightjar.contract.settings import Settings
from nightjar.contract.spark_submission import session_options
from nightjar.contract.stages import STAGES
from nightjar.contract.task_events import TaskEvent
from nightjar.publishing.request_checks import check_request
from nightjar.publishing.run_failures import FAILED, RunFailure, is_recorded, outcome_of, store_failure
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.runner_process import this_process
from nightjar.publishing.unfinished_attempts import RUN
from nightjar.stack.prepare_home import prepare_home
from nightjar.warehouse.engines import open_warehouse

_ERRORS = {2: BadInput, 3: GateRefused}
# What the command of every stage needs, before the modules of the stages.
_ALWAYS = ("nightjar.cli.main", "nightjar.warehouse.dbt_process")
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
    with _prepared_commands(settings, request) as prepared:
        _check(settings, request)
        prepare_home(settings)
        return _run(settings, request, prepared)


def _run(settings: Settings, request: RunRequest, prepared: dict[str, str]) -> CompletedRun:
    started, began = time.monotonic(), datetime.now(UTC)
    log = settings.home / "logs" / f"nightly_recommendations-{request.interval.data_date}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    events = RunEvents()
    try:
        with (
            log.open("w", encoding="utf-8") as output,
            _started(settings, request, prepared, output) as (process, lines),
        ):
            for line in lines:
                line_for_operator = events.read(TaskEvent.from_json(line))
                if line_for_operator is not None:
                    print(f"{time.monotonic() - started:7.1f} s  {line_for_operator}", flush=True)
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


@contextmanager
def _prepared_commands(settings: Settings, request: RunRequest) -> Iterator[dict[str, str]]:
    """Begin to import what the stages need, and to start Spark; yield what the environment of the run holds for it."""
    with ExitStack() as servers:
        if not prepared_commands.IS_POSSIBLE:
            yield {}
            return
        environment = child_environment(settings)
        modules = [each.runs.partition(":")[0] for each in STAGES if not each.is_spark_job]
        variables = servers.enter_context(
            serving(FORK_SERVER, "nightjar.contract.fork_server", [*_ALWAYS, *modules], environment)
        )
        has_jobs = any(each.is_spark_job and each.group in request.stages for each in STAGES)
        if has_jobs and settings.spark_master.startswith("local"):
            of_spark = {**spark_environment(environment), "PYSPARK_SUBMIT_ARGS": session_options(settings)}
            variables |= servers.enter_context(
                serving(SPARK_SESSION, "spark_jobs.session_server", [str(settings.home)], of_spark)
            )
        yield variables


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
    settings: Settings, request: RunRequest, prepared: dict[str, str], output: IO[str]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    """Start the DAG's process; yield it and the lines of its events; wait for its end."""
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as lines:
        try:
            process = subprocess.Popen(
                _command(request, writer),
                env={**_environment(settings), **prepared},
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


def _command(request: RunRequest, events: int) -> list[str]:
    return [
        # -P: a folder `dags` in the working directory is not this project's.
        *(sys.executable, "-P", "-u", "-m", _MODULE, _DAG),
        *("--logical-date", request.interval.start.isoformat(), "--conf", json.dumps(_params(request))),
        *("--events", str(events)),
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
