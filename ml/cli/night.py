"""Runs the nightly DAG for one interval without a scheduler and shows what its stages say."""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from warehouse.errors import BadInput, GateRefused, NightjarError
from warehouse.home import prepare_home
from warehouse.interval import DataInterval
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


def run_night(settings: Settings, interval: DataInterval, *, publish: str, ingested_before: str | None) -> Night:
    """Run the DAG on one interval in this process's children; print a line for each stage.

    Raises:
        BadInput, GateRefused, NightjarError: as the failed stage said.
    """
    prepare_home(settings)
    started = time.monotonic()
    log = settings.home / "logs" / f"nightly_recommendations-{interval.data_date}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # The timetable takes the last tick before this instant as the interval's end.
    before_next_tick = interval.end + timedelta(days=1) - timedelta(seconds=1)
    command = [
        *("airflow", "dags", "test", "nightly_recommendations", before_next_tick.isoformat()),
        *("--conf", json.dumps({"publish": publish, "ingested_before": ingested_before})),
    ]
    errors: list[tuple[int, str]] = []
    publication_id = ""
    with (
        log.open("w", encoding="utf-8") as everything,
        subprocess.Popen(
            command, env=child_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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


def parse_instant(text: str | None) -> str | None:
    """Check an ISO 8601 timestamp with zone.

    Raises:
        BadInput: the text is none.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"--ingested-before {text!r} is no ISO 8601 timestamp") from error
    if instant.tzinfo is None:
        raise BadInput(f"--ingested-before {text!r} has no time zone, for example +00:00")
    return text


def _timed(started: float, line: str) -> str:
    said = line[line.index(MARK) + len(MARK) :].strip()
    return f"{time.monotonic() - started:7.1f} s  {said}"
