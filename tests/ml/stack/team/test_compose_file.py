"""The rules of docker-compose.yml, looked up in the committed file as Compose would read it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ml.stack.team.compose import render_compose
from ml.stack.team.secrets_file import SECRETS
from warehouse.settings import REPOSITORY, STACK_MARK, Settings

FILE = REPOSITORY / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EACH = pytest.mark.parametrize("name", SERVICES)

# Who may know what. Everything else is wrong.
AIRFLOW_KEYS = {"AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY"}
AIRFLOW = {"NIGHTJAR_AIRFLOW_DATABASE_PASSWORD", *AIRFLOW_KEYS}
KNOWS = {
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
    "spark-master": set(),
    "spark-worker": set(),
    "airflow-api-server": AIRFLOW,
    "airflow-dag-processor": AIRFLOW,
    "airflow-triggerer": AIRFLOW,
    "airflow-scheduler": {*AIRFLOW, "NIGHTJAR_POSTGRES_PASSWORD"},
}
# Variables of other people's programs, by the beginnings of their names.
KNOWN = re.compile(
    r"AIRFLOW_HOME|AIRFLOW_CONN_\w+|AIRFLOW__[A-Z_]+__[A-Z_]+|MLFLOW_(BACKEND_STORE_URI|SERVER_ENABLE_JOB_EXECUTION"
    r"|DISABLE_TELEMETRY)|SPARK_(DAEMON_MEMORY|LOCAL_DIRS|MASTER_OPTS|WORKER_OPTS)|PYSPARK(_DRIVER)?_PYTHON|PGDATA"
    r"|PGPASSWORD|POSTGRES_(PASSWORD|INITDB_ARGS|HOST_AUTH_METHOD)|DBT_(PROFILES_DIR|SEND_ANONYMOUS_USAGE_STATS)"
    r"|DO_NOT_TRACK|(OPENBLAS|OMP)_NUM_THREADS|SPT_NOENV|TZ"
)
# By settings' names; the rest is what child processes are told.
OURS = {f"NIGHTJAR_{name.upper()}" for name in Settings.model_fields} | {STACK_MARK, "NIGHTJAR_WAREHOUSE"}


def test_the_committed_file_is_what_the_table_gives() -> None:
    assert FILE.read_text() == render_compose(), "nightjar stack compose > docker-compose.yml"


def test_the_file_does_not_depend_on_the_settings_of_who_renders_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_AIRFLOW_PORT", "1234")
    monkeypatch.setenv("NIGHTJAR_POSTGRES_HOST", "elsewhere")
    monkeypatch.setenv("NIGHTJAR_POSTGRES_PASSWORD", "canary")
    assert FILE.read_text() == render_compose()


def test_the_file_keeps_to_the_compose_specification() -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_services_are_those_of_a_whole_stack() -> None:
    assert set(SERVICES) == set(KNOWS)


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
def test_a_service_waits_for_those_that_it_needs(name: str) -> None:
    names = list(SERVICES)
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert names.index(other) < names.index(name)
        ends = SERVICES[other]["restart"] == "no"
        assert condition["condition"] == ("service_completed_successfully" if ends else "service_healthy")
    if name not in ("postgres", "spark-master"):
        assert SERVICES[name]["depends_on"]


@EACH
def test_a_service_has_a_limit_of_memory_and_a_limited_log(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert set(SERVICES[name]["logging"]["options"]) == {"max-size", "max-file"}


@EACH
def test_an_image_is_pinned_and_ours_is_built_here(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"])
    if service["image"].startswith("nightjar:"):
        assert (service["build"], service["pull_policy"]) == (".", "never")


@EACH
def test_ports_are_reached_from_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        found = re.fullmatch(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)", port)
        assert found, port
        assert found[1] in OURS
        assert found[2] == found[3]


@EACH
def test_volumes_are_named(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        assert volume.split(":")[0] in COMPOSE["volumes"]


@EACH
def test_a_service_knows_the_passwords_that_it_needs_and_no_other(name: str) -> None:
    values = [str(value) for value in SERVICES[name].get("environment", {}).values()]
    found = {secret for value in values for secret in re.findall(r"\$\{(\w+):\?run make secrets\}", value)}
    assert found == KNOWS[name]


def test_every_secret_is_used_and_has_no_default() -> None:
    used = set(re.findall(r"\$\{(\w+):\?run make secrets\}", FILE.read_text()))
    assert used == set(SECRETS)
    # Whatever is filled in is a secret that must be there, or a port.
    for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", FILE.read_text()):
        assert rest == ":?run make secrets" or re.fullmatch(r":-\d+", rest), name


@EACH
def test_no_password_is_written_out(name: str) -> None:
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|_KEY|TOKEN", variable):
            assert re.fullmatch(r"\$\{\w+:\?run make secrets\}", value), variable
        assert not re.search(r"://[^/]*:[^/]*@", str(value)), variable
    # Arguments are seen by everyone on the machine.
    assert "$" not in " ".join(service["command"])


@EACH
def test_every_variable_means_something_to_somebody(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        assert variable in OURS or KNOWN.fullmatch(variable), variable


@EACH
def test_the_team_s_own_settings_are_optional_and_reach_airflow_alone(name: str) -> None:
    expected = [{"path": "settings.env", "required": False}] if "airflow" in name else None
    assert SERVICES[name].get("env_file") == expected


def test_folders_of_libraries_that_spark_unpacks_may_hold_programs() -> None:
    # Docker mounts tmpfs with noexec unless it is told otherwise.
    assert "/tmp:exec,mode=1777" in SERVICES["spark-worker"]["tmpfs"]
    assert "/tmp:exec,mode=1777" in SERVICES["airflow-scheduler"]["tmpfs"]
