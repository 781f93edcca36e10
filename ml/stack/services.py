"""The programs of the stack: the command of each, and how to see that it does its work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ml.stack.credentials import Credentials
from ml.stack.database import database_command, database_is_ready, system_user
from ml.stack.environment import LOOPBACK, airflow_address, mlflow_address, secret_environment
from ml.stack.places import Places
from ml.stack.probe import is_healthy
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
        after: programs that must be healthy, or have ended well, before it starts.
        once: whether it does something and ends; it is healthy once it has ended well.
        renamed: variable of its environment to the variable of the supervisor's that holds its value.
    """

    name: str
    command: list[str]
    is_healthy: Callable[[], bool]
    stop_signal: str = "TERM"
    user: str | None = None
    after: tuple[str, ...] = ()
    once: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)


def services(settings: Settings, credentials: Credentials) -> list[Service]:
    """Return the programs in the order of their start; they stop in the reverse order.

    The scheduler is the last to start: its tasks report to the API server, also when they are stopped.
    """
    places = Places.of(settings)
    without_secrets = ["env", *(part for name in secret_environment(settings, credentials) for part in ("-u", name))]
    airflow = f"{airflow_address(settings)}/api/v2/monitor/health"
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
            lambda: is_healthy(f"{mlflow_address(settings)}/health"),
        ),
        Service(
            "airflow-api-server",
            [
                *("airflow", "api-server", "--host", LOOPBACK, "--port", str(settings.airflow_port)),
                *("--workers", "1"),
            ],
            lambda: is_healthy(airflow, "metadatabase"),
        ),
        Service(
            "airflow-dag-processor",
            ["airflow", "dag-processor"],
            lambda: is_healthy(airflow, "dag_processor"),
        ),
        # Without --skip-serve-logs these two serve their logs on every network address; the UI reads the files.
        Service(
            "airflow-triggerer",
            ["airflow", "triggerer", "--skip-serve-logs"],
            lambda: is_healthy(airflow, "triggerer"),
        ),
        Service(
            "airflow-scheduler",
            ["airflow", "scheduler", "--skip-serve-logs"],
            lambda: is_healthy(airflow, "scheduler"),
        ),
    ]
