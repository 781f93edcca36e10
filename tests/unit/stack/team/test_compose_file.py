"""The rules of docker-compose.yml, which is kept by hand, read as Compose would."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from nightjar.cli.stack_commands import app
from nightjar.contract.environment import STACK_MARK
from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from nightjar.stack.team.secrets_file import SECRETS

FILE, DEFAULTS_FILE = REPOSITORY / "docker-compose.yml", REPOSITORY / "docker-compose.env"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EACH = pytest.mark.parametrize("name", SERVICES)

# The secrets of each service. Any other is wrong.
AIRFLOW_KEYS = {"AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY"}
AIRFLOW = {"NIGHTJAR_AIRFLOW_DATABASE_PASSWORD", *AIRFLOW_KEYS}
SECRETS_OF = {
    "postgres": {"NIGHTJAR_POSTGRES_ADMIN_PASSWORD"},
    "init-databases": {
        "NIGHTJAR_POSTGRES_ADMIN_PASSWORD",
        "NIGHTJAR_POSTGRES_PASSWORD",
        "NIGHTJAR_POSTGRES_ANALYST_PASSWORD",
        "NIGHTJAR_AIRFLOW_DATABASE_PASSWORD",
        "NIGHTJAR_MLFLOW_DATABASE_PASSWORD",
    },
    "init-airflow": {*AIRFLOW, "NIGHTJAR_AIRFLOW_ADMIN_PASSWORD"},
    "mlflow": {"NIGHTJAR_MLFLOW_DATABASE_PASSWORD"},
    "explorer": {"NIGHTJAR_POSTGRES_ANALYST_PASSWORD"},
    "spark-master": set(),
    "spark-worker": set(),
    "airflow-api-server": AIRFLOW,
    "airflow-dag-processor": AIRFLOW,
    "airflow-triggerer": AIRFLOW,
    "airflow-scheduler": {*AIRFLOW, "NIGHTJAR_POSTGRES_PASSWORD"},
}
# Variables of third-party programs, by the beginnings of their names.
KNOWN = re.compile(
    r"AIRFLOW_HOME|AIRFLOW_CONN_\w+|AIRFLOW__[A-Z_]+__[A-Z_]+|MLFLOW_(BACKEND_STORE_URI|SERVER_ENABLE_JOB_EXECUTION"
    r"|SERVER_ALLOWED_HOSTS|DISABLE_TELEMETRY)|SPARK_(DAEMON_MEMORY|LOCAL_DIRS|MASTER_OPTS|WORKER_OPTS)|PYSPARK(_DRIVER)?_PYTHON|PGDATA"
    r"|PGPASSWORD|POSTGRES_(PASSWORD|INITDB_ARGS|HOST_AUTH_METHOD)|DBT_(PROFILES_DIR|SEND_ANONYMOUS_USAGE_STATS)"
    r"|DO_NOT_TRACK|STREAMLIT_BROWSER_SERVER_ADDRESS|(OPENBLAS|OMP)_NUM_THREADS|SPT_NOENV|TZ"
)
# What has one right value in the containers: places in the image and its volumes, ports that programs listen on, and
# names of the stack. settings.env may set everything else.
PINNED = {
    *("NIGHTJAR_HOME", "NIGHTJAR_WAREHOUSE_ENGINE", "NIGHTJAR_POSTGRES_PORT", "NIGHTJAR_EXPLORER_PORT"),
    *("NIGHTJAR_WAREHOUSE", "NIGHTJAR_STACK", "AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER", "DBT_PROFILES_DIR"),
    *("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_LOCAL_DIRS", "SPT_NOENV"),
}
# What is filled in beside secrets, by defaults of the settings: ports that are published, and the size of a worker.
FILLED_IN = {
    *("NIGHTJAR_AIRFLOW_PORT", "NIGHTJAR_MLFLOW_PORT", "NIGHTJAR_EXPLORER_PORT", "NIGHTJAR_SPARK_UI_PORT"),
    *("NIGHTJAR_POSTGRES_PORT", "NIGHTJAR_SPARK_WORKER_CORES", "NIGHTJAR_SPARK_WORKER_MEMORY"),
}
# Services that get the team's settings.
TUNED = {name for name in SECRETS_OF if "airflow" in name} | {"init-databases", "mlflow", "explorer"}
# What a machine with 16 GB has, less what its system and Docker take.
ROOM_MB = 14_848
# By settings' names; the others are variables of child processes.
COMPOSE_SETTINGS = {f"NIGHTJAR_{name.upper()}" for name in Settings.model_fields} | {STACK_MARK, "NIGHTJAR_WAREHOUSE"}


def defaults(**interpolated: str) -> dict[str, str]:
    """The variables of docker-compose.env, filled in from .env and the shell except in single quotes, as by Compose."""

    def value(text: str) -> str:
        if text.startswith("'"):
            return text.strip("'")
        return re.sub(r"\$\{(\w+):-(\w+)\}", lambda part: interpolated.get(part[1], part[2]), text)

    lines = [line for line in DEFAULTS_FILE.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value(text) for name, text in (line.split("=", 1) for line in lines)}


def environment_of(name: str, settings_env: dict[str, str], **interpolated: str) -> dict[str, str]:
    """The environment of a service by Compose's precedence: the later of its files wins, `environment` over all."""
    service, matches = SERVICES[name], dict[str, str]()
    files = {"docker-compose.env": defaults(**interpolated), "settings.env": settings_env}
    for entry in service.get("env_file", ()):
        matches |= files[entry if isinstance(entry, str) else entry["path"]]
    return matches | service.get("environment", {})


def megabytes(limit: str) -> int:
    return int(limit[:-1]) * {"m": 1, "g": 1024}[limit[-1]]


@pytest.mark.parametrize(("options", "file"), [([], FILE), (["--defaults"], DEFAULTS_FILE)])
def test_the_deprecated_command_still_prints_the_files(options: list[str], file: Path) -> None:
    done = CliRunner().invoke(app, ["compose", *options])
    assert (done.exit_code, done.stdout) == (0, file.read_text())
    assert "compose" in done.stderr


@pytest.mark.integration
def test_the_file_follows_the_compose_specification() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_services_are_those_of_a_whole_stack() -> None:
    assert set(SERVICES) == set(SECRETS_OF)


@EACH
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert int(user) >= 100
    assert int(group) >= 100
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "userns_mode"} & set(service)


@EACH
def test_a_service_is_checked_or_ends_by_itself(name: str) -> None:
    service = SERVICES[name]
    if service["restart"] == "no":
        waiting = [each["depends_on"][name] for each in SERVICES.values() if name in each.get("depends_on", {})]
        assert waiting
        assert all(each == {"condition": "service_completed_successfully"} for each in waiting)
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"


@EACH
def test_a_service_waits_for_the_services_it_needs(name: str) -> None:
    names = list(SERVICES)
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert names.index(other) < names.index(name)
        ends = SERVICES[other]["restart"] == "no"
        assert condition["condition"] == ("service_completed_successfully" if ends else "service_healthy")
    if name not in ("postgres", "spark-master"):
        assert SERVICES[name]["depends_on"]


def test_the_memory_limits_fit_a_machine_of_16_gb_and_are_documented() -> None:
    limits = {name: megabytes(service["mem_limit"]) for name, service in SERVICES.items()}
    running = sum(limit for name, limit in limits.items() if SERVICES[name]["restart"] != "no")
    assert running <= ROOM_MB
    # Together with the initial steps, which end.
    assert sum(limits.values()) <= 16 * 1024
    for page in ("docs/team-stack.md", "docs/operating.md"):
        assert f"{running / 1024:.1f} GB" in (REPOSITORY / page).read_text(), page


@EACH
def test_a_service_has_a_limit_of_memory_and_a_limited_log(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert set(SERVICES[name]["logging"]["options"]) == {"max-size", "max-file"}


@EACH
def test_an_image_is_pinned_and_the_projects_own_is_built(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"])
    if service["image"].startswith("nightjar:"):
        assert (service["build"], service["pull_policy"]) == (".", "never")


@EACH
def test_ports_are_reached_from_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        matches = re.fullmatch(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)", port)
        assert matches, port
        assert matches[1] in COMPOSE_SETTINGS
        assert matches[2] == matches[3]


@EACH
def test_volumes_are_named(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        assert volume.split(":")[0] in COMPOSE["volumes"]


@EACH
def test_a_service_gets_the_passwords_it_needs_and_no_other(name: str) -> None:
    values = [str(value) for value in SERVICES[name].get("environment", {}).values()]
    matches = {secret for value in values for secret in re.findall(r"\$\{(\w+):\?run make secrets\}", value)}
    assert matches == SECRETS_OF[name]


def test_every_secret_is_used_and_has_no_default() -> None:
    used = set(re.findall(r"\$\{(\w+):\?run make secrets\}", FILE.read_text()))
    assert used == set(SECRETS)
    filled_in = set(re.findall(r"\$\{(\w+)([^}]*)\}", FILE.read_text() + DEFAULTS_FILE.read_text()))
    assert {name for name, rest in filled_in if rest != ":?run make secrets"} == FILLED_IN
    for name, rest in filled_in:
        if name in FILLED_IN:
            default = Settings.model_fields[name.removeprefix("NIGHTJAR_").lower()].default
            assert rest == f":-{default}", name


@EACH
def test_no_password_is_written_out(name: str) -> None:
    service = SERVICES[name]
    for variable, value in environment_of(name, {}).items():
        if re.search(r"PASSWORD|SECRET|_KEY|TOKEN", variable):
            assert re.fullmatch(r"\$\{\w+:\?run make secrets\}", value), variable
        assert not re.search(r"://[^/]*:[^/]*@", str(value)), variable
    # Everyone on the machine can see arguments.
    assert set(re.findall(r"\$\{(\w+)", " ".join(service["command"]))) <= FILLED_IN


@EACH
def test_every_variable_is_known_to_a_program(name: str) -> None:
    for variable in environment_of(name, {}):
        assert variable in COMPOSE_SETTINGS or KNOWN.fullmatch(variable), variable


@EACH
def test_the_team_s_own_settings_are_optional_and_win(name: str) -> None:
    if name not in TUNED:
        assert "env_file" not in SERVICES[name]
        return
    assert SERVICES[name]["env_file"] == ["docker-compose.env", {"path": "settings.env", "required": False}]
    settings = {variable: f"the team's {variable}" for variable in defaults()}
    assert environment_of(name, settings).items() >= settings.items()
    # What the team cannot set are passwords, and what has one right value in the containers.
    passwords = {variable for variable, value in SERVICES[name]["environment"].items() if value.startswith("${")}
    assert set(SERVICES[name]["environment"]) <= passwords | PINNED


def test_public_addresses_host_names_and_options_of_the_team_reach_their_programs() -> None:
    team = {
        "NIGHTJAR_MLFLOW_PUBLIC_URL": "https://mlflow.example.org",
        "AIRFLOW__API__BASE_URL": "https://airflow.example.org",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "NIGHTJAR_POSTGRES_HOST": "db.internal",
        "MLFLOW_SERVER_ALLOWED_HOSTS": "mlflow:5000,mlflow.example.org",
    }
    for name in TUNED:
        assert environment_of(name, team).items() >= team.items()
    # MLflow reads its hosts from there: an option of its command would win.
    assert not [part for part in SERVICES["mlflow"]["command"] if "hosts" in part]


def test_a_published_port_moves_the_address_with_it_and_no_port_inside() -> None:
    moved = {"NIGHTJAR_AIRFLOW_PORT": "9080", "NIGHTJAR_MLFLOW_PORT": "9500", "NIGHTJAR_POSTGRES_PORT": "9432"}
    # Once from .env, and once from both files.
    for settings_env in ({}, moved):
        matches = environment_of("airflow-scheduler", settings_env, **moved)
        assert matches["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:9080"
        assert matches["NIGHTJAR_MLFLOW_PUBLIC_URL"] == "http://127.0.0.1:9500"
        assert matches["NIGHTJAR_MLFLOW_URL"] == "http://mlflow:5000"
        assert matches["NIGHTJAR_POSTGRES_PORT"] == "5432"
    assert environment_of("explorer", {"NIGHTJAR_EXPLORER_PORT": "9501"})["NIGHTJAR_EXPLORER_PORT"] == "8501"


def test_the_explorer_reads_the_team_s_warehouse_and_is_reached_on_loopback() -> None:
    matches = environment_of("explorer", {})
    assert (matches["NIGHTJAR_WAREHOUSE_ENGINE"], matches["NIGHTJAR_POSTGRES_HOST"]) == ("postgres", "postgres")
    assert SERVICES["explorer"]["command"] == ["nightjar", "explore", "--host", "0.0.0.0"]
    assert SERVICES["explorer"]["ports"] == ["127.0.0.1:${NIGHTJAR_EXPLORER_PORT:-8501}:8501"]
    assert SERVICES["explorer"]["healthcheck"]["test"][-1] == "http://127.0.0.1:8501/_stcore/health"


def test_folders_of_libraries_that_spark_unpacks_may_hold_programs() -> None:
    # Docker mounts tmpfs with noexec by default.
    assert "/tmp:exec,mode=1777" in SERVICES["spark-worker"]["tmpfs"]
    assert "/tmp:exec,mode=1777" in SERVICES["airflow-scheduler"]["tmpfs"]
