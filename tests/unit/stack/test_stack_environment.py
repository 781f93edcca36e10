import re
from pathlib import Path

import pytest

from nightjar.contract.environment import child_environment
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, load_settings
from nightjar.stack.credentials import Credentials
from nightjar.stack.environment import SECRETS, stack_environment
from nightjar.stack.local_plan import local_programs
from nightjar.stack.paths import StackPaths
from nightjar.stack.postgres import program
from nightjar.stack.program import StackPlan
from nightjar.stack.supervisor import check_home_path, render_config
from tests.support.refusals import refused

CREDENTIALS = Credentials("database-password", "fernet-key", "jwt-secret", "api-secret-key")


def supervisor_config(settings: Settings) -> str:
    def no_step() -> None:
        pass

    environment = stack_environment(settings, CREDENTIALS)
    return render_config(
        StackPaths.of(settings), StackPlan(local_programs(settings), environment, SECRETS, no_step, no_step)
    )


def test_airflow_connects_to_its_postgres_over_a_socket() -> None:
    environment = stack_environment(Settings(home=Path("/srv/n j#1")), CREDENTIALS)
    address = "airflow:database-password@/airflow?host=/srv/n%20j%231/postgres"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"postgresql+psycopg2://{address}"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] == f"postgresql+asyncpg://{address}"


def test_a_tasks_child_process_inherits_the_variables_of_the_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in stack_environment(Settings(home=tmp_path, mlflow_port=5055), CREDENTIALS).items():
        monkeypatch.setenv(name, value)
    # Airflow itself sets this for a task.
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    inherited = child_environment(load_settings())
    assert inherited["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "airflow-db-not-allowed:///"
    assert inherited["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert load_settings().mlflow_uri == "http://127.0.0.1:5055"


def test_a_run_of_another_home_uses_its_own_metadata_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in stack_environment(Settings(home=tmp_path / "stack"), CREDENTIALS).items():
        monkeypatch.setenv(name, value)
    alone = child_environment(Settings(home=tmp_path / "alone"))
    assert alone["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{tmp_path}/alone/airflow/airflow.db"


def test_the_programs_reach_each_other_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    environment = stack_environment(Settings(), CREDENTIALS)
    assert environment["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


def test_the_configuration_has_no_secret_and_keeps_odd_paths() -> None:
    settings = Settings(home=Path("/srv/a home#1"))
    config = supervisor_config(settings)
    assert not any(value in config for value in vars(CREDENTIALS).values())
    assert "directory = /srv/a home#1\n" in config
    assert "-D '/srv/a home#1/postgres'" in config


def test_programs_that_need_no_secret_of_airflow_get_none() -> None:
    commands = re.findall(r"^command = (.*)$", supervisor_config(Settings()), re.MULTILINE)
    removed = [set(re.findall(r"-u (\S+)", command)) for command in commands]
    assert removed == [set(SECRETS), set(SECRETS), set(), set(), set(), set()]


def test_the_programs_of_the_local_stack_are_checked_on_their_ports() -> None:
    settings = Settings(home=Path("/srv/n"), airflow_port=8180, mlflow_port=5055)
    health = "http://127.0.0.1:8180/api/v2/monitor/health"
    probe = ["python", "-m", "nightjar.stack.probe"]
    assert [(each.name, each.check) for each in local_programs(settings)] == [
        ("postgres", [program("pg_isready"), "-h", "/srv/n/postgres", "-U", "airflow", "-d", "airflow", "-q"]),
        ("mlflow", [*probe, "http://127.0.0.1:5055/health"]),
        ("airflow-api-server", [*probe, health, "metadatabase"]),
        ("airflow-dag-processor", [*probe, health, "dag_processor"]),
        ("airflow-triggerer", [*probe, health, "triggerer"]),
        ("airflow-scheduler", [*probe, health, "scheduler"]),
    ]


@pytest.mark.parametrize("home", ["/srv/a #1", "/srv/a ;b"])
def test_a_home_that_the_supervisor_would_cut_is_refused(home: str) -> None:
    with refused(BadInput, "unusable_home", setting="NIGHTJAR_HOME", value=home):
        check_home_path(Path(home))
    check_home_path(Path("/srv/a b#1;c"))
