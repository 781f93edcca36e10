"""The environment of processes: what this one was given, and what its child processes get.

The only module that reads the process environment; settings are read by `nightjar.contract.settings`.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

from pydantic import SecretStr

from nightjar.contract.places import DBT_PROJECT, REPOSITORY
from nightjar.contract.settings import Settings, variable
from nightjar.contract.settings.registry import administrative_settings

# Set in every process of a home's local stack, to the home.
STACK_MARK = "NIGHTJAR_STACK"

# Set in every process that `nightjar run` starts, to that command's own process (`nightjar.publishing.runner_process`).
RUNNER = "NIGHTJAR_RUNNER"

# What a Spark job may know of the environment it is launched from. A list of what is kept, because nobody knows every
# name that a secret may have; the job itself gets all it needs as arguments.
_SPARK_VARIABLES = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|_?JAVA_\w+|JDK_\w+|(PY)?SPARK_\w+|PYTHON\w*|HADOOP_\w+"
    r"|(OPENBLAS|OMP)_NUM_THREADS|OPENBLAS_CORETYPE|NIGHTJAR_STACK|SPT_NOENV"
)
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|_KEY")
_UTF_8 = re.compile(r"utf-?8", re.IGNORECASE)


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment for the Airflow, dbt and Spark processes of one home, the warehouse's password with it.

    What only the initialisation of servers needs is left out, also where this process has it.
    """
    administrative = set(administrative_settings(type(settings)))
    withheld = {variable(name) for name in administrative}
    return {
        **{name: value for name, value in inherited_environment().items() if name not in withheld},
        **{variable(name): _revealed(value) for name, value in settings if name not in administrative},
        **dbt_secrets(settings),
        **places_environment(settings, REPOSITORY, sys.executable),
        **_of_the_stack(settings),
    }


def inherited_environment() -> dict[str, str]:
    """Return this process's environment, with the interpreter's programs before all others."""
    interpreter_folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([interpreter_folder, os.environ.get("PATH", "")])
    return {**os.environ, **_locale(), "PATH": path}


def places_environment(settings: Settings, repository: PurePath, interpreter: str) -> dict[str, str]:
    """Return where Airflow, dbt and Spark of a home find their files, and what they must not do.

    Args:
        settings: of the home.
        repository: folder of this project where the processes run.
        interpreter: the Python that they run on.
    """
    spark_host, _, spark_port = settings.spark_master.rpartition(":")
    spark_connection = {"conn_type": "spark", "host": settings.spark_master}
    if spark_port.isdigit():
        spark_connection = {"conn_type": "spark", "host": spark_host, "port": spark_port}
    return {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(repository / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{settings.airflow_home / 'airflow.db'}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(spark_connection),
        **warehouse_address(settings),
        "DBT_PROFILES_DIR": str(repository / DBT_PROJECT.name),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYSPARK_PYTHON": interpreter,
        "PYSPARK_DRIVER_PYTHON": interpreter,
        # One Spark core runs one Python worker: more BLAS threads than that fight for the same core.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TZ": "UTC",
    }


def spark_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for Spark: none of its variables can hold a secret.

    Args:
        given: of which it is a part; None: this process's own.
    """
    return {
        name: value
        for name, value in {**(os.environ if given is None else given), **_locale()}.items()
        if _SPARK_VARIABLES.fullmatch(name) and not _SECRET.search(name)
    }


def warehouse_address(settings: Settings) -> dict[str, str]:
    """Return the variables by which dbt's profile finds the warehouse; everybody may see them."""
    reached_by = ("postgres_host", "postgres_port", "postgres_database", "postgres_user")
    return {
        "NIGHTJAR_WAREHOUSE": str(settings.warehouse_path),
        **{variable(name): str(getattr(settings, name)) for name in reached_by},
    }


def dbt_secrets(settings: Settings) -> dict[str, str]:
    """Return the variables of a dbt process that nobody may see; dbt hides the values of this prefix in its logs."""
    return {"DBT_ENV_SECRET_POSTGRES_PASSWORD": settings.postgres_password.get_secret_value()}


def tracking_login() -> tuple[str, str, str]:
    """Return user, password and token by which MLflow's clients log in; each may be empty."""
    names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
    user, password, token = (os.environ.get(name, "") for name in names)
    return user, password, token


def inherited_runner() -> str | None:
    """Return the process of `nightjar run` that this one works for; none under a scheduler."""
    return inherited(RUNNER)


def inherited(name: str) -> str | None:
    """Return a variable of this process's environment."""
    return os.environ.get(name)


@contextmanager
def with_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables in this process's environment, and in that of the processes it starts, while the body runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _locale() -> dict[str, str]:
    """Return what a process needs to take names of files as UTF-8: cron, systemd and ssh often give no locale.

    Python finds its way without; a Java process writes `h??me` and finds nothing there.
    """
    effective = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    return {} if _UTF_8.search(effective) else {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _of_the_stack(settings: Settings) -> dict[str, str]:
    """Return what a task of the stack hands on as it found it: the stack's Airflow is not the home's file."""
    if os.environ.get(STACK_MARK) != str(settings.home):
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW__")}
