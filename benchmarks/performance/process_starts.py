"""Seconds of a run's processes without any work: programs that start and end."""

import subprocess
import sys
from pathlib import Path

from benchmarks.performance.timing import seconds_each
from benchmarks.performance.whole_run import PROGRAMS, environment
from nightjar.contract.places import REPOSITORY

_SPARK = "from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate().range(1).collect()"


def start_seconds(home: Path, repeats: int) -> dict[str, float]:
    """Return the seconds from start to end of each kind of process that does nothing."""

    def process(*command: str | Path) -> None:
        subprocess.run(command, env=environment(home), cwd=REPOSITORY, check=True, capture_output=True)

    return seconds_each(
        {
            "`nightjar stage`": lambda: process(PROGRAMS / "nightjar", "stage", "begin", "--help"),
            "Airflow's imports": lambda: process(sys.executable, "-c", "import airflow.sdk, airflow.models.dag"),
            "`dbt`": lambda: process(PROGRAMS / "dbt", "--version"),
            "a Spark session": lambda: process(sys.executable, "-c", _SPARK),
        },
        repeats,
    )
