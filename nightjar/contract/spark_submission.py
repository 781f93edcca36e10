"""What every submission of a Spark job passes: properties, and settings as the job's arguments.

Used by the DAGs, whose tasks submit the jobs of a run, and by tuning, which submits build_features itself.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from nightjar.contract.environment import spark_environment
from nightjar.contract.errors import BadInput, NightjarError, last_line
from nightjar.contract.places import REPOSITORY
from nightjar.contract.progress import ERROR_LINE
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.settings.registry import job_settings

LOGGING = (REPOSITORY / "spark_jobs" / "log4j2.properties").as_uri()
FEATURE_SETTINGS = job_settings("build_features", Settings)
SCORE_SETTINGS = job_settings("score_users", Settings)


def application(job: str) -> str:
    """Return the path of a job's program."""
    return str(REPOSITORY / "spark_jobs" / f"{job}.py")


def flag(setting: str) -> str:
    """Return the job's argument of a setting."""
    return f"--{setting.replace('_', '-')}"


def properties(settings: Settings) -> dict[str, str]:
    """Return the Spark properties of every job."""
    return {
        "spark.sql.shuffle.partitions": str(settings.spark_partitions),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOGGING} {settings.spark_driver_java_options}",
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
        "spark.executorEnv.OMP_NUM_THREADS": "1",
    }


def session_options(settings: Settings) -> str:
    """Return the options of a session that is no submission, as the variable `PYSPARK_SUBMIT_ARGS` has them."""
    memory = ["--driver-memory", settings.spark_driver_memory, "--executor-memory", settings.spark_executor_memory]
    options = ["--master", settings.spark_master, *memory]
    # Spark takes what is no submission for a shell, and draws its progress for a person.
    shown = {**properties(settings), "spark.ui.showConsoleProgress": "false"}
    confs = _options("--conf", (f"{name}={value}" for name, value in shown.items()))
    return shlex.join([*options, *confs, "pyspark-shell"])


def build_features(settings: Settings, folder: RunFolder, as_of: datetime) -> None:
    """Submit build_features on a folder with a snapshot and wait for its end.

    Raises:
        BadInput, NightjarError: the job failed; the message is the job's own.
    """
    command = [
        *(str(Path(sys.executable).parent / "spark-submit"), "--master", settings.spark_master),
        *("--name", "nightjar build_features"),
        *("--driver-memory", settings.spark_driver_memory, "--executor-memory", settings.spark_executor_memory),
        *_options("--conf", (f"{name}={value}" for name, value in properties(settings).items())),
        *(application("build_features"), "--run-folder", str(folder.path), "--as-of", as_of.isoformat()),
        *(part for name in FEATURE_SETTINGS for part in (flag(name), str(getattr(settings, name)))),
    ]
    interpreter = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    environment = {**spark_environment(), **interpreter, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reported = ERROR_LINE.search(done.stderr + done.stdout)
        kind = BadInput if done.returncode == BadInput.exit_code else NightjarError
        reason, code = (reported["reason"], reported["code"] or "") if reported else (last_line(done), "stage_failed")
        raise kind(f"build_features: {reason}", code=code, stage="build_features", exit_code=done.returncode)


def _options(option: str, values: Iterable[str]) -> list[str]:
    return [part for value in values for part in (option, value)]
