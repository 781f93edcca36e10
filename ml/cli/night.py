"""Runs the nightly DAG for one interval without a scheduler and shows what its stages say."""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.attempts import RunRequest, check_request
from warehouse.errors import BadInput, GateRefused, NightjarError
from warehouse.home import prepare_home
from warehouse.progress import MARK
from warehouse.settings import Settings, child_environment

_ERROR = re.compile(re.escape(MARK) + r" error \((\d)\): (.*)")
_BEGUN = re.compile(re.escape(MARK) + r" begin: (\S+) as of")
# What Airflow's log adds behind a message: the logger and the line of its code.
_LOGGER = re.compile(r"\s+\[airflow\.\S+\].*$")
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
        BadInput, GateRefused, NightjarError: as the failed stage said.
    """
    check_request(settings, DuckDBWarehouse(settings.warehouse_path), request)
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
    errors: list[tuple[int, str]] = []
    publication_id = ""
    with (
        log.open("w", encoding="utf-8") as everything,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            everything.write(line)
            line = _LOGGER.sub("", line)
            if found := _ERROR.search(line):
                errors.append((int(found[1]), found[2]))
            elif MARK in line:
                publication_id = found[1] if (found := _BEGUN.search(line)) else publication_id
                print(_timed(started, line), flush=True)
    if process.returncode != 0 or errors:
        code, message = errors[-1] if errors else (1, "the run failed without a word")
        raise _ERRORS.get(code, NightjarError)(f"{message} (all output: {log})")
    return Night(publication_id, log, time.monotonic() - started)


def _params(request: RunRequest) -> dict[str, object]:
    before = request.ingested_before
    return {
        "publish": request.publish_mode,
        "stages": list(request.stages),
        "ingested_before": before.isoformat() if before else None,
        "note": request.note,
    }


def _timed(started: float, line: str) -> str:
    said = line[line.index(MARK) + len(MARK) :].strip()
    return f"{time.monotonic() - started:7.1f} s  {said}"
