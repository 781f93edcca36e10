"""What the programs of a team's stack find in their environment; passwords are named here, never held."""

from ml.stack.environment import LOOPBACK, airflow_options
from ml.stack.team import secrets_file
from ml.stack.team.site import MLFLOW, POSTGRES, Site
from warehouse.settings import STACK_MARK, places_environment, variable

# The roles and databases of the programs that keep their own; the warehouse's are settings.
AIRFLOW_DATABASE, MLFLOW_DATABASE = "airflow", "mlflow"

# What each variable of the server's image is called differs from what each secret is called.
POSTGRES_SECRETS = {"POSTGRES_PASSWORD": secrets_file.POSTGRES_ADMIN}
# libpq and asyncpg read this variable, so that no address holds a password.
MLFLOW_SECRETS = {"PGPASSWORD": secrets_file.MLFLOW_DATABASE}
AIRFLOW_SECRETS = {
    "PGPASSWORD": secrets_file.AIRFLOW_DATABASE,
    **{name: name for name in (secrets_file.FERNET, secrets_file.JWT, secrets_file.API_KEY)},
}
# What has one right value in the containers: places in the image and its volumes, ports that programs listen on, and
# what tells one stack from others. settings.env may set everything else.
PINNED = frozenset(
    {
        *map(variable, ("home", "warehouse_engine", "postgres_port", "explorer_port")),
        *("NIGHTJAR_WAREHOUSE", STACK_MARK, "AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER"),
        *("DBT_PROFILES_DIR", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_LOCAL_DIRS", "SPT_NOENV"),
    }
)
# Under what names people reach the programs, which only they know: whoever starts processes may have set these, too.
REACHED_AS = (
    *(variable("mlflow_public_url"), "AIRFLOW__API__BASE_URL"),
    *("MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "STREAMLIT_BROWSER_SERVER_ADDRESS"),
)
INITDB_OPTIONS = "--auth=scram-sha-256 --encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8"


def postgres_environment(site: Site) -> dict[str, str]:
    """Return how the server's image, or whoever stands in for it, creates the data folder."""
    return {
        "PGDATA": str(site.postgres_data),
        "POSTGRES_INITDB_ARGS": INITDB_OPTIONS,
        "POSTGRES_HOST_AUTH_METHOD": "scram-sha-256",
    }


def mlflow_environment(site: Site) -> dict[str, str]:
    """Return MLflow's own."""
    port = site.settings.mlflow_port
    return {
        # Against web pages that lend MLflow's address a name of theirs: only these names are answered.
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"{site.host(MLFLOW)}:{port},127.0.0.1:*,localhost:*",
        "MLFLOW_BACKEND_STORE_URI": _address(site, "postgresql", MLFLOW_DATABASE),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }


def master_environment(site: Site) -> dict[str, str]:
    """Return that of the Spark master, which takes jobs from drivers only: its REST server asks nobody who he is."""
    return {**_spark_environment(site), "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false"}


def worker_environment(site: Site) -> dict[str, str]:
    """Return that of a Spark worker, which removes what applications left in its folder three days ago."""
    cleanup = "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=259200"
    return {**_spark_environment(site), "SPARK_WORKER_OPTS": cleanup}


def database_settings(site: Site) -> dict[str, str]:
    """Return the settings by which the initialisation finds the server and the warehouse's database."""
    names = ("warehouse_engine", "postgres_host", "postgres_port", "postgres_database", "postgres_user")
    return _settings(site, "home", *names)


def explorer_environment(site: Site) -> dict[str, str]:
    """Return that of the explorer, which logs in as the analysts' role and reads nothing else."""
    return {
        **database_settings(site),
        **_settings(site, "explorer_port"),
        # Without a name, and on every address of a container, it would ask a host outside what it is called.
        "STREAMLIT_BROWSER_SERVER_ADDRESS": LOOPBACK,
    }


def airflow_environment(site: Site) -> dict[str, str]:
    """Return that of every program of Airflow, and so of every task."""
    return {
        **_settings(site, "home", "warehouse_engine", "mlflow_url", "spark_master"),
        **places_environment(site.settings, site.repository, site.interpreter),
        **airflow_options(site.airflow),
        variable("mlflow_public_url"): f"http://127.0.0.1:{site.published('mlflow_port')}",
        STACK_MARK: str(site.settings.home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _address(site, "postgresql+psycopg2", AIRFLOW_DATABASE),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": _address(site, "postgresql+asyncpg", AIRFLOW_DATABASE),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{site.published('airflow_port')}",
        "SPARK_LOCAL_DIRS": str(site.scratch),
    }


def _spark_environment(site: Site) -> dict[str, str]:
    return {
        # Of the daemon itself, which computes nothing.
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_LOCAL_DIRS": str(site.scratch),
        "PYSPARK_PYTHON": site.interpreter,
        "TZ": "UTC",
    }


def _address(site: Site, driver: str, name: str) -> str:
    return f"{driver}://{name}@{site.host(POSTGRES)}:{site.settings.postgres_port}/{name}"


def _settings(site: Site, *names: str) -> dict[str, str]:
    return {variable(name): str(getattr(site.settings, name)) for name in names}
