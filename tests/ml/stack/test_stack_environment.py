from pathlib import Path

import pytest

from ml.stack.credentials import Credentials
from ml.stack.environment import secret_environment, stack_environment
from ml.stack.places import Places
from ml.stack.services import services
from ml.stack.supervisor import check_home, render_config
from warehouse.errors import BadInput
from warehouse.settings import Settings, child_environment, load_settings

CREDENTIALS = Credentials("database-password", "fernet-key", "jwt-secret", "api-secret-key")


def test_airflow_of_the_stack_speaks_to_its_postgres_over_a_socket() -> None:
    environment = stack_environment(Settings(home=Path("/srv/n j#1")), CREDENTIALS)
    address = "airflow:database-password@/airflow?host=/srv/n%20j%231/postgres"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"postgresql+psycopg2://{address}"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] == f"postgresql+asyncpg://{address}"


def test_a_task_of_the_stack_hands_on_what_the_stack_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in stack_environment(Settings(home=tmp_path, mlflow_port=5055), CREDENTIALS).items():
        monkeypatch.setenv(name, value)
    # This is what Airflow itself sets for a task.
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    handed_on = child_environment(load_settings())
    assert handed_on["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "airflow-db-not-allowed:///"
    assert handed_on["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert load_settings().mlflow_uri == "http://127.0.0.1:5055"


def test_a_run_of_another_home_keeps_to_its_own_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in stack_environment(Settings(home=tmp_path / "stack"), CREDENTIALS).items():
        monkeypatch.setenv(name, value)
    alone = child_environment(Settings(home=tmp_path / "alone"))
    assert alone["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{tmp_path}/alone/airflow/airflow.db"


def test_a_proxy_never_stands_between_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    environment = stack_environment(Settings(), CREDENTIALS)
    assert environment["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


def test_the_configuration_holds_no_secret_and_keeps_odd_paths_as_they_are() -> None:
    settings = Settings(home=Path("/srv/a home#1"))
    config = render_config(Places.of(settings), services(settings, CREDENTIALS))
    assert not any(value in config for value in vars(CREDENTIALS).values())
    assert "directory = /srv/a home#1\n" in config
    assert "-D '/srv/a home#1/postgres'" in config


def test_programs_that_need_no_secret_of_airflow_get_none() -> None:
    secrets = secret_environment(Settings(), CREDENTIALS)
    for service in services(Settings(), CREDENTIALS):
        removed = {name for flag, name in zip(service.command, service.command[1:], strict=False) if flag == "-u"}
        assert removed == (set() if service.name.startswith("airflow-") else set(secrets))


@pytest.mark.parametrize("home", ["/srv/a #1", "/srv/a ;b"])
def test_a_home_that_the_supervisor_would_cut_is_refused(home: str) -> None:
    with pytest.raises(BadInput, match="NIGHTJAR_HOME"):
        check_home(Path(home))
    check_home(Path("/srv/a b#1;c"))
