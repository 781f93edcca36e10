"""docker-compose.yml as processes of one machine: their commands, worked out by hand."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from nightjar.stack.paths import StackPaths
from nightjar.stack.postgres import program, system_user
from nightjar.stack.program import Program, StackPlan
from nightjar.stack.supervisor import render_config
from nightjar.stack.team import compose_file
from nightjar.stack.team.compose_file import read_services, seconds
from nightjar.stack.team.container_translation import translation
from nightjar.stack.team.programs import team_programs
from nightjar.stack.team.secrets_file import SECRETS
from tests.support.refusals import refused

HOME = "/srv/a home#1"
SETTINGS = Settings(
    home=Path(HOME),
    airflow_port=20001,
    mlflow_port=20002,
    postgres_port=20003,
    spark_master_port=20004,
    spark_ui_port=20005,
    explorer_port=20010,
    spark_workers=2,
    spark_worker_cores=3,
    spark_worker_memory="5g",
)
PROGRAMS = {each.name: each for each in team_programs(SETTINGS, {})}
HEALTH = "http://127.0.0.1:20001/api/v2/monitor/health"
PROBE = ["python", "-m", "nightjar.stack.probe"]
# Compose fills these in; here they are worked out for the settings above.
COMMANDS = {
    "postgres": [
        *(program("postgres"), "-c", "listen_addresses=127.0.0.1", "-c", "port=20003"),
        *("-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=256MB"),
        *("-c", "log_min_error_statement=panic"),
    ],
    "init-databases": ["nightjar", "stack", "init-databases"],
    "init-airflow": ["nightjar", "stack", "init-airflow"],
    "mlflow": [
        *("mlflow", "server", "--host", "127.0.0.1", "--port", "20002", "--workers", "1"),
        *("--artifacts-destination", f"{HOME}/mlartifacts"),
    ],
    "explorer": ["nightjar", "explore", "--host", "127.0.0.1"],
    "spark-master": [
        *("spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1"),
        *("--port", "20004", "--webui-port", "20005"),
    ],
    "spark-worker-1": [
        *("spark-class", "org.apache.spark.deploy.worker.Worker", "--cores", "3", "--memory", "5g"),
        *("--work-dir", f"{HOME}/spark/work/spark-worker-1", "--webui-port", "20006", "spark://127.0.0.1:20004"),
    ],
    "spark-worker-2": [
        *("spark-class", "org.apache.spark.deploy.worker.Worker", "--cores", "3", "--memory", "5g"),
        *("--work-dir", f"{HOME}/spark/work/spark-worker-2", "--webui-port", "20007", "spark://127.0.0.1:20004"),
    ],
    "airflow-api-server": ["airflow", "api-server", "--host", "127.0.0.1", "--port", "20001", "--workers", "1"],
    "airflow-dag-processor": ["airflow", "dag-processor"],
    "airflow-triggerer": ["airflow", "triggerer", "--skip-serve-logs"],
    "airflow-scheduler": ["airflow", "scheduler", "--skip-serve-logs"],
}
CHECKS = {
    "postgres": [program("pg_isready"), "-h", "127.0.0.1", "-p", "20003", "-U", "postgres", "-q"],
    "init-databases": [],
    "init-airflow": [],
    "mlflow": [*PROBE, "http://127.0.0.1:20002/health"],
    "explorer": [*PROBE, "http://127.0.0.1:20010/_stcore/health"],
    "spark-master": [*PROBE, "http://127.0.0.1:20005/json/"],
    "spark-worker-1": [*PROBE, "http://127.0.0.1:20006/json/"],
    "spark-worker-2": [*PROBE, "http://127.0.0.1:20007/json/"],
    "airflow-api-server": [*PROBE, HEALTH, "metadatabase"],
    "airflow-dag-processor": [*PROBE, HEALTH, "dag_processor"],
    "airflow-triggerer": [*PROBE, HEALTH, "triggerer"],
    "airflow-scheduler": [*PROBE, HEALTH, "scheduler"],
}
SPARK = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_LOCAL_HOSTNAME": "127.0.0.1",
    "SPARK_DAEMON_MEMORY": "512m",
    "SPARK_LOCAL_DIRS": f"{HOME}/spark",
    "PYSPARK_PYTHON": sys.executable,
    "TZ": "UTC",
}


def test_every_program_runs_the_command_of_the_file_on_this_machine() -> None:
    assert {name: each.command for name, each in PROGRAMS.items()} == COMMANDS


def test_every_program_is_checked_at_its_address_on_this_machine() -> None:
    assert {name: each.check for name, each in PROGRAMS.items()} == CHECKS
    assert {name for name, each in PROGRAMS.items() if each.ends_by_itself} == {"init-databases", "init-airflow"}


def test_a_program_waits_for_its_dependencies_and_for_every_worker() -> None:
    assert {name: each.after for name, each in PROGRAMS.items()} == {
        "postgres": (),
        "init-databases": ("postgres",),
        "init-airflow": ("init-databases",),
        "mlflow": ("init-databases",),
        "explorer": ("init-databases",),
        "spark-master": (),
        "spark-worker-1": ("spark-master",),
        "spark-worker-2": ("spark-master",),
        "airflow-api-server": ("init-airflow",),
        "airflow-dag-processor": ("airflow-api-server",),
        "airflow-triggerer": ("airflow-api-server",),
        "airflow-scheduler": ("airflow-api-server", "mlflow", "spark-worker-1", "spark-worker-2"),
    }


def test_only_postgres_has_its_own_user_and_signal() -> None:
    assert {name: (each.stop_signal, each.user) for name, each in PROGRAMS.items()} == {
        name: ("INT", system_user()) if name == "postgres" else ("TERM", None) for name in PROGRAMS
    }
    assert {each.stop_seconds for each in PROGRAMS.values()} == {60}


def test_spark_uses_no_address_but_loopback() -> None:
    assert PROGRAMS["spark-master"].environment == SPARK | {"SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false"}
    assert PROGRAMS["spark-worker-2"].environment == SPARK | {
        "SPARK_WORKER_OPTS": "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=259200"
    }


def test_postgres_keeps_its_data_in_the_home() -> None:
    environment = PROGRAMS["postgres"].environment
    assert environment["PGDATA"] == f"{HOME}/team-postgres"
    assert environment["POSTGRES_INITDB_ARGS"].startswith("--auth=scram-sha-256 ")


def test_airflow_finds_the_home_the_project_and_every_server_at_the_settings_ports() -> None:
    # Variables that are the same in containers are left out.
    translated = {
        "AIRFLOW_HOME": f"{HOME}/airflow",
        "AIRFLOW__CORE__DAGS_FOLDER": f"{REPOSITORY}/dags",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "spark://127.0.0.1", "port": "20004"}',
        "AIRFLOW__API__BASE_URL": "http://127.0.0.1:20001",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://127.0.0.1:20001/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow@127.0.0.1:20003/airflow",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "postgresql+asyncpg://airflow@127.0.0.1:20003/airflow",
        "DBT_PROFILES_DIR": f"{REPOSITORY}/dbt_project",
        "MLFLOW_BACKEND_STORE_URI": "postgresql://mlflow@127.0.0.1:20003/mlflow",
        "MLFLOW_SERVER_ALLOWED_HOSTS": "127.0.0.1:20002,127.0.0.1:*,localhost:*",
        "NIGHTJAR_HOME": HOME,
        "NIGHTJAR_MLFLOW_PUBLIC_URL": "http://127.0.0.1:20002",
        "NIGHTJAR_MLFLOW_URL": "http://127.0.0.1:20002",
        "NIGHTJAR_POSTGRES_HOST": "127.0.0.1",
        "NIGHTJAR_POSTGRES_PORT": "20003",
        "NIGHTJAR_SPARK_MASTER": "spark://127.0.0.1:20004",
        "NIGHTJAR_STACK": HOME,
        "NIGHTJAR_WAREHOUSE": f"{HOME}/warehouse.duckdb",
        "NIGHTJAR_WAREHOUSE_ENGINE": "postgres",
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_DIRS": f"{HOME}/spark",
        "SPARK_LOCAL_HOSTNAME": "127.0.0.1",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    for name in ("init-airflow", "airflow-api-server", "airflow-scheduler"):
        assert PROGRAMS[name].environment.items() >= translated.items()
    assert PROGRAMS["explorer"].environment["NIGHTJAR_EXPLORER_PORT"] == "20010"


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_address_or_folder_of_the_containers_is_left(name: str) -> None:
    matches = PROGRAMS[name]
    for text in (*matches.command, *matches.check, *matches.environment.values()):
        assert not [part for part in ("/var/", "/opt/", "0.0.0.0", "${", "@postgres", "://mlflow:") if part in text]


def test_each_match_is_replaced_once_and_a_name_that_is_no_host_stays() -> None:
    # Each port of these settings is that of another program in the containers.
    moved = SETTINGS.model_copy(
        update={"mlflow_port": 5432, "postgres_port": 5000, "home": Path("/var/lib/spark/8080")}
    )
    translated = translation(moved, read_services(), "mlflow")
    assert (
        translated.value("A", "postgresql://mlflow@postgres:5432/mlflow") == "postgresql://mlflow@127.0.0.1:5000/mlflow"
    )
    assert translated.value("A", "http://mlflow:5000/var") == "http://127.0.0.1:5432/var"
    assert translated.value("A", "/var/lib/nightjar/lake") == "/var/lib/spark/8080/lake"
    assert translated.value("A", "http://127.0.0.1:${NIGHTJAR_MLFLOW_PORT:-5000}") == "http://127.0.0.1:5432"
    assert translated.value("A", "${NOBODY_S:-5432}") == "5432"
    assert translated.value("NIGHTJAR_WAREHOUSE_ENGINE", "postgres") == "postgres"
    assert translated.value("NIGHTJAR_POSTGRES_HOST", "postgres") == "127.0.0.1"
    assert translated.command(["mlflow", "--host", "mlflow", "-U", "postgres"]) == [
        *("mlflow", "--host", "127.0.0.1", "-U", "postgres")
    ]


def test_public_names_come_from_the_starting_users_environment_and_local_addresses_stay() -> None:
    inherited = {
        "AIRFLOW__API__BASE_URL": "https://airflow.example.org",
        "NIGHTJAR_POSTGRES_DATABASE": "shop",
        "NIGHTJAR_POSTGRES_HOST": "elsewhere",
        "NIGHTJAR_MLFLOW_PUBLIC_URL": "",
    }
    environment = next(each for each in team_programs(SETTINGS, inherited) if each.name == "mlflow").environment
    # The first two come from the supervisor's own environment.
    assert "AIRFLOW__API__BASE_URL" not in environment
    assert "NIGHTJAR_POSTGRES_DATABASE" not in environment
    assert environment["NIGHTJAR_POSTGRES_HOST"] == "127.0.0.1"
    assert environment["NIGHTJAR_MLFLOW_PUBLIC_URL"] == "http://127.0.0.1:20002"


def test_the_supervisors_configuration_withholds_secrets_and_fills_in_renamed_ones() -> None:
    def no_step() -> None:
        pass

    config = render_config(
        StackPaths.of(SETTINGS), StackPlan([*PROGRAMS.values()], {}, tuple(SECRETS), no_step, no_step)
    )
    sections = {part.split("]")[0]: part.splitlines() for part in config.split("[program:")[1:]}
    assert 'environment = PGPASSWORD="%(ENV_NIGHTJAR_MLFLOW_DATABASE_PASSWORD)s"' in sections["mlflow"]
    assert 'environment = PGPASSWORD="%(ENV_NIGHTJAR_AIRFLOW_DATABASE_PASSWORD)s"' in sections["airflow-scheduler"]
    assert not [line for line in sections["spark-master"] if line.startswith("environment")]
    assert "autorestart = false" in sections["init-airflow"]
    assert {"autorestart = true", "stopwaitsecs = 60", "stopsignal = TERM"} <= set(sections["mlflow"])
    for name, lines in sections.items():
        (command,) = (line.split() for line in lines if line.startswith("command = "))
        removed = {word for flag, word in pairwise(command) if flag == "-u"}
        assert set(SECRETS) - removed == {each for each in PROGRAMS[name].secrets if each in SECRETS}, name


@pytest.mark.parametrize(("period", "expected"), [("40s", 40), ("1m", 60), ("3m", 180)])
def test_a_period_is_read_in_seconds(period: str, expected: int) -> None:
    assert seconds(period) == expected


def test_a_missing_compose_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compose_file, "COMPOSE_FILE", tmp_path / "docker-compose.yml")
    with refused(BadInput, "no_such_file", file=tmp_path / "docker-compose.yml"):
        team_programs(SETTINGS, {})


@pytest.mark.integration
@pytest.mark.parametrize(("script", "expected"), [("pass", True), ("raise SystemExit(1)", False)])
def test_a_check_other_than_the_probe_is_run(script: str, expected: bool) -> None:
    assert Program("p", ["p"], [sys.executable, "-c", script]).is_healthy({}) is expected
