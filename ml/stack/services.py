"""The programs of the stack: the command of each, and how to see that it does its work."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from ml.stack.credentials import Credentials
from ml.stack.database import database_command, database_is_ready, system_user
from ml.stack.environment import LOOPBACK, airflow_address, mlflow_address, secret_environment
from ml.stack.places import Places
from warehouse.settings import Settings

DATABASE = "postgres"


@dataclass(frozen=True)
class Service:
    """One program.

    Attributes:
        name: what the supervisor, the log file and the operator call it.
        command: program and arguments; it stays in the foreground.
        is_healthy: asks the program, or who knows of it.
        stop_signal: the signal on which it ends in good order.
        user: the system user that runs it, if not the one who starts the stack.
    """

    name: str
    command: list[str]
    is_healthy: Callable[[], bool]
    stop_signal: str = "TERM"
    user: str | None = None


def services(settings: Settings, credentials: Credentials) -> list[Service]:
    """Return the programs in the order of their start; they stop in the reverse order.

    The scheduler is the last to start: its tasks report to the API server, also when they are stopped.
    """
    places = Places.of(settings)
    without_secrets = ["env", *(part for name in secret_environment(settings, credentials) for part in ("-u", name))]
    airflow = airflow_address(settings)
    return [
        Service(
            DATABASE,
            [*without_secrets, *database_command(places)],
            lambda: database_is_ready(places, credentials),
            # PostgreSQL's fast shutdown; on TERM it would wait for every client to leave.
            stop_signal="INT",
            user=system_user(),
        ),
        Service(
            "mlflow",
            [
                *without_secrets,
                *("mlflow", "server", "--host", LOOPBACK, "--port", str(settings.mlflow_port), "--workers", "1"),
                *("--backend-store-uri", settings.mlflow_database),
                *("--default-artifact-root", settings.mlflow_artifacts.as_uri(), "--no-serve-artifacts"),
            ],
            lambda: _answer(f"{mlflow_address(settings)}/health") is not None,
        ),
        Service(
            "airflow-api-server",
            [
                *("airflow", "api-server", "--host", LOOPBACK, "--port", str(settings.airflow_port)),
                *("--workers", "1"),
            ],
            lambda: _component_is_healthy(airflow, "metadatabase"),
        ),
        Service(
            "airflow-dag-processor",
            ["airflow", "dag-processor"],
            lambda: _component_is_healthy(airflow, "dag_processor"),
        ),
        # Without --skip-serve-logs these two serve their logs on every network address; the UI reads the files.
        Service(
            "airflow-triggerer",
            ["airflow", "triggerer", "--skip-serve-logs"],
            lambda: _component_is_healthy(airflow, "triggerer"),
        ),
        Service(
            "airflow-scheduler",
            ["airflow", "scheduler", "--skip-serve-logs"],
            lambda: _component_is_healthy(airflow, "scheduler"),
        ),
    ]


def _component_is_healthy(address: str, component: str) -> bool:
    answer = _answer(f"{address}/api/v2/monitor/health")
    return answer is not None and json.loads(answer)[component]["status"] == "healthy"


def _answer(url: str) -> bytes | None:
    """Return what a local server says, or nothing while it does not answer with 200."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=5) as response:
            answer: bytes = response.read()
    except (URLError, OSError):
        return None
    return answer
