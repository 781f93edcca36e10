"""Runs the nightly DAG for one interval without a scheduler and shows what its stages say."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ml.cli.night_log import Failure, NightLog
from warehouse.adapters.engines import open_warehouse
from warehouse.attempts import RunRequest, check_request
from warehouse.errors import BadInput, GateRefused, NightjarError
from warehouse.home import prepare_home
from warehouse.run_failures import FAILED, RunFailure, is_kept, keep_failure, outcome_of
from warehouse.runner import this_process
from warehouse.settings import RUNNER, Settings, child_environment
from warehouse.unfinished_attempts import RUN

_ERRORS = {2: BadInput, 3: GateRefused}


@dataclass(frozen=True)
class Night:
    """What one run of the DAG left behind: its publication and the file with all it said."""

    publication_id: str
    log: Path
    seconds: float


def run_night(settings: Settings, request: RunRequest) -> Night:
    """Run the DAG on one interval in this process's children; print a line for each stage.

    Raises:
        BadInput: there is nothing to run the night on; refused before anything is started.
        BadInput, GateRefused, NightjarError: as the failed stage said.
    """
    _check(settings, request)
    prepare_home(settings)
    interval = request.interval
    started = time.monotonic()
    log = settings.home / "logs" / f"nightly_recommendations-{interval.data_date}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *("airflow", "dags", "test", "nightly_recommendations", interval.start.isoformat()),
        *("--conf", json.dumps(_params(request))),
    ]
    # Nobody watches a deadline without a scheduler, and `airflow dags test` of 3.3 fails when a run that has one ends.
    environment = {**child_environment(settings), "NIGHTJAR_DEADLINE_MINUTES": "0", RUNNER: this_process()}
    began = datetime.now(UTC)
    said = NightLog()
    with (
        _written_down(settings, request, said, began),
        log.open("w", encoding="utf-8") as everything,
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            everything.write(line)
            shown = said.read(line)
            if shown is not None:
                print(_timed(started, shown), flush=True)
    if process.returncode != 0 or not said.publication_id:
        failure = said.failure or Failure(1, f"airflow stopped with exit code {process.returncode}")
        _write_down(settings, request, said, began, process.returncode, failure.reason)
        raise _ERRORS.get(failure.exit_code, NightjarError)(
            f"{failure.reason} (all output: {log})", code=failure.code or "run_failed", log=str(log)
        )
    return Night(said.publication_id, log, time.monotonic() - started)


def _check(settings: Settings, request: RunRequest) -> None:
    """Refuse what cannot succeed before Airflow is started; the refusal is written down as one of `begin`.

    Not that of a warehouse which cannot be opened: it would take no row.
    """
    refusal = None
    with open_warehouse(settings).connect(read_only=True) as connection:
        try:
            check_request(settings, connection, request)
        except BadInput as error:
            refusal = error
    if refusal is not None:
        day, code = request.interval.data_date, refusal.exit_code
        keep_failure(settings, RunFailure(RUN, "begin", outcome_of(code), str(refusal), code, data_date=day))
        raise refusal


@contextmanager
def _written_down(settings: Settings, request: RunRequest, said: NightLog, began: datetime) -> Iterator[None]:
    """Write down that somebody stopped the run."""
    try:
        yield
    except KeyboardInterrupt:
        _write_down(settings, request, said, began, -signal.SIGINT, "nightjar run was stopped from the keyboard")
        raise


def _write_down(
    settings: Settings, request: RunRequest, said: NightLog, began: datetime, exit_code: int, reason: str
) -> None:
    """Write down why the run failed, unless a task of it has done so."""
    day = request.interval.data_date
    if not is_kept(settings, since=began, data_date=day):
        outcome = FAILED if said.failure else outcome_of(exit_code)
        failure = RunFailure(RUN, RUN, outcome, reason, exit_code, said.publication_id or None, day)
        keep_failure(settings, failure)


def _params(request: RunRequest) -> dict[str, object]:
    before = request.ingested_before
    return {
        "publish": request.publish_mode,
        "stages": list(request.stages),
        "ingested_before": before.isoformat() if before else None,
        "note": request.note,
    }


def _timed(started: float, shown: str) -> str:
    return f"{time.monotonic() - started:7.1f} s  {shown}"
