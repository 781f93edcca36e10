"""The jobs as Airflow launches them: spark-submit in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings

# Defaults for data of a few rows; a test may override each.
_BUILD = {
    "as-of": "2026-01-11T00:00:00+00:00",
    "min-feature-support": 1,
    "max-feature-weight": 10,
    "recency-rank-power": 1,
    "holdout": "newest",
    "holdout-fraction": 0.2,
    "cold-holdout-fraction": 0,
    "domain-holdout-fraction": 0,
    "popularity-half-life-days": 0,
    "min-segment-users": 1,
    "popular-k": 5,
    "seed": 1,
}
_SCORE = {"top-k": 3, "similar-k": 1, "popular-k": 2}
_CONF = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": Settings.model_fields["spark_driver_java_options"].default,
}


def command(job: str, folder: RunFolder, master: str, conf: dict[str, str], arguments: dict[str, object]) -> list[str]:
    """Return the command that submits one job on a run folder."""
    options = [part for name, value in (_CONF | conf).items() for part in ("--conf", f"{name}={value}")]
    flags = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    program = str(Path(sys.executable).parent / "spark-submit")
    application = str(REPOSITORY / "spark_jobs" / f"{job}.py")
    return [program, "--master", master, *options, application, "--run-folder", str(folder.path), *flags]


def start(
    job: str, folder: RunFolder, master: str = "local[2]", conf: dict[str, str] | None = None, **changes: object
) -> subprocess.Popen[str]:
    """Start `build_features` or `score_users`; `changes` are arguments of the job, with `_` for `-`."""
    plain = {"build_features": _BUILD, "score_users": _SCORE}[job]
    arguments = plain | {name.replace("_", "-"): value for name, value in changes.items()}
    return subprocess.Popen(
        command(job, folder, master, conf or {}, arguments),
        env={
            **os.environ,
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def submit(
    job: str, folder: RunFolder, master: str = "local[2]", conf: dict[str, str] | None = None, **changes: object
) -> subprocess.CompletedProcess[str]:
    """Run a job to its end."""
    process = start(job, folder, master, conf, **changes)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
