"""Runs the nightly DAG for one interval without a scheduler and shows what its stages say."""

import json
import subprocess
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ml.cli.night_log import Failure, NightLog
from warehouse.adapters.engines import open_warehouse
from warehouse.attempts import RunRequest, check_request
from warehouse.errors import BadInput, GateRefused, NightjarError
from warehouse.home import prepare_home
from warehouse.settings import Settings, child_environment

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
    with open_warehouse(settings).connect(read_only=True) as connection:
        check_request(settings, connection, request)
    prepare_home(settings)
    interval = request.interval
    started = time.monotonic()
    log = settings.home / "logs" / f"nightly_recommendations-{interval.data_date}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # The timetable takes the last tick before this instant as the interval's end.
    before_next_tick = interval.end + timedelta(days=1) - timedelta(seconds=1)
    command = [
        *("airflow", "dags", "test", "nightly_recommendations", before_next_tick.isoformat()),
        *("--conf", json.dumps(_params(request))),
    ]
    # Nobody watches a deadline without a scheduler, and `airflow dags test` of 3.3 fails when a run that has one ends.
    environment = {**child_environment(settings), "NIGHTJAR_DEADLINE_MINUTES": "0"}
    said = NightLog()
    with (
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
        raise _ERRORS.get(failure.exit_code, NightjarError)(f"{failure.reason} (all output: {log})")
    return Night(said.publication_id, log, time.monotonic() - started)


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
