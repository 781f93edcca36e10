"""The plan of the local stack: PostgreSQL, MLflow and Airflow; embedded warehouse, Spark in the tasks' processes."""

from nightjar.contract.settings import Settings
from nightjar.stack.airflow_repair import repair_airflow
from nightjar.stack.credentials import load_credentials
from nightjar.stack.environment import LOOPBACK, SECRETS, airflow_address, mlflow_address, stack_environment
from nightjar.stack.paths import StackPaths
from nightjar.stack.postgres import database_check, database_command, prepare_database, system_user
from nightjar.stack.prepare_home import prepare_airflow, prepare_data, register_dags
from nightjar.stack.program import DATABASE, PROBE, Program, StackPlan
from nightjar.warehouse.dbt_runner import write_tables_page


def local_plan(settings: Settings) -> StackPlan:
    """Return the plan of a home's local stack; generates its secrets if they are missing."""
    paths = StackPaths.of(settings)
    credentials = load_credentials(paths)
    environment = stack_environment(settings, credentials)

    def prepare() -> None:
        prepare_database(paths, credentials)
        prepare_data(settings)
        write_tables_page(settings)

    def initialise() -> None:
        if prepare_airflow(environment, paths.database):
            register_dags(environment)
        repair_airflow(environment)

    return StackPlan(local_programs(settings), environment, SECRETS, prepare, initialise)


def local_programs(settings: Settings) -> list[Program]:
    """Return the programs in the order of their start; they stop in the reverse order.

    The scheduler is the last to start: its tasks report to the API server, also when they are stopped.
    """
    paths = StackPaths.of(settings)
    serve = ("--host", LOOPBACK, "--workers", "1", "--port")
    return [
        Program(
            DATABASE,
            database_command(paths),
            database_check(paths),
            # PostgreSQL's fast shutdown; on TERM it would wait for every client to disconnect.
            stop_signal="INT",
            user=system_user(),
        ),
        Program(
            "mlflow",
            [
                *("mlflow", "server", *serve, str(settings.mlflow_port)),
                *("--backend-store-uri", settings.mlflow_database),
                *("--default-artifact-root", settings.mlflow_artifacts.as_uri(), "--no-serve-artifacts"),
            ],
            [*PROBE, f"{mlflow_address(settings)}/health"],
        ),
        _airflow(settings, "metadatabase", "api-server", *serve, str(settings.airflow_port)),
        _airflow(settings, "dag_processor", "dag-processor"),
        # Without --skip-serve-logs these two serve their logs on every network address; the UI reads the files.
        _airflow(settings, "triggerer", "triggerer", "--skip-serve-logs"),
        _airflow(settings, "scheduler", "scheduler", "--skip-serve-logs"),
    ]


def _airflow(settings: Settings, part: str, *command: str) -> Program:
    return Program(
        f"airflow-{command[0]}",
        ["airflow", *command],
        [*PROBE, f"{airflow_address(settings)}/api/v2/monitor/health", part],
        secrets={name: name for name in SECRETS},
    )
