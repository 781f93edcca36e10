"""The environment of the stack's programs, beyond that of every child process of a home."""

from urllib.parse import quote

from nightjar.contract.environment import STACK_MARK, child_environment
from nightjar.contract.places import TABLES_PATH
from nightjar.contract.settings import Settings
from nightjar.stack.credentials import USER, Credentials
from nightjar.stack.paths import StackPaths

LOOPBACK = "127.0.0.1"
# The variables with secret values.
SECRETS = (
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__API__SECRET_KEY",
)


def stack_environment(settings: Settings, credentials: Credentials) -> dict[str, str]:
    """Return the environment of the supervisor and, through it, of every program and task."""
    base = child_environment(settings)
    plain = {
        STACK_MARK: str(settings.home),
        "NIGHTJAR_MLFLOW_URL": mlflow_address(settings),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        **{name: without_proxy(base.get(name, "")) for name in ("NO_PROXY", "no_proxy")},
    }
    return {**base, **plain, **_airflow(settings), **_secrets(settings, credentials)}


def airflow_address(settings: Settings) -> str:
    """Return the address of the Airflow UI and API."""
    return f"http://{LOOPBACK}:{settings.airflow_port}"


def tables_address(settings: Settings) -> str:
    """Return the address of the page about every table, on Airflow's API server."""
    return f"{airflow_address(settings)}{TABLES_PATH}"


def mlflow_address(settings: Settings) -> str:
    """Return the address of the MLflow UI and API."""
    return f"http://{LOOPBACK}:{settings.mlflow_port}"


def without_proxy(hosts: str) -> str:
    """Return the hosts to reach without a proxy, this machine among them."""
    return ",".join(dict.fromkeys([*filter(None, hosts.split(",")), LOOPBACK, "localhost"]))


def _secrets(settings: Settings, credentials: Credentials) -> dict[str, str]:
    folder = quote(str(StackPaths.of(settings).database_socket_folder))
    database = f"airflow:{credentials.database_password}@/airflow?host={folder}"
    values = (
        f"postgresql+psycopg2://{database}",
        f"postgresql+asyncpg://{database}",
        credentials.fernet_key,
        credentials.jwt_secret,
        credentials.api_secret_key,
    )
    return dict(zip(SECRETS, values, strict=True))


def _airflow(settings: Settings) -> dict[str, str]:
    address = airflow_address(settings)
    return {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        # A DAG file takes 5 to 8 s to import: it is parsed when the stack starts, and seldom in between.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # Airflow renames its processes; without this the new name overwrites the mark of the stack.
        "SPT_NOENV": "1",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(StackPaths.of(settings).password),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
    }
