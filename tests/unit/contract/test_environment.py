from pathlib import Path

import pytest

from nightjar.contract.environment import child_environment, spark_environment
from nightjar.contract.settings import Settings, load_settings


def test_a_child_process_sees_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, top_k=7, spark_master="spark://spark.example:7077")
    environment = child_environment(settings)
    assert environment["AIRFLOW_CONN_SPARK_DEFAULT"] == (
        '{"conn_type": "spark", "host": "spark://spark.example", "port": "7077"}'
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_a_child_process_gets_the_password_of_the_pipeline_and_no_administrators(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NIGHTJAR_POSTGRES_ADMIN_PASSWORD", "canary-admin")
    monkeypatch.setenv("NIGHTJAR_POSTGRES_ANALYST_PASSWORD", "canary-analyst")
    monkeypatch.setenv("NIGHTJAR_POSTGRES_PASSWORD", "canary-pipeline")
    environment = child_environment(load_settings())
    assert environment["NIGHTJAR_POSTGRES_PASSWORD"] == "canary-pipeline"  # pragma: allowlist secret
    assert environment["DBT_ENV_SECRET_POSTGRES_PASSWORD"] == "canary-pipeline"  # pragma: allowlist secret
    assert not [name for name, value in environment.items() if value in ("canary-admin", "canary-analyst")]


def test_spark_gets_none_of_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = ("NIGHTJAR_POSTGRES_PASSWORD", "AIRFLOW__CORE__FERNET_KEY", "DBT_ENV_SECRET_X", "AWS_SECRET_ACCESS_KEY")
    for name in (*hidden, "MLFLOW_TRACKING_TOKEN", "HADOOP_CREDSTORE_PASSWORD", "PYSPARK_PYTHON", "LC_TIME"):
        monkeypatch.setenv(name, "canary")
    assert {name for name, value in spark_environment().items() if value == "canary"} == {"PYSPARK_PYTHON", "LC_TIME"}


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({"LC_ALL": "C"}, True),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "C"}, True),
        ({}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LC_CTYPE": "C.utf8", "LANG": "C"}, False),
    ],
)
def test_child_processes_get_a_utf_8_locale_where_there_is_none(
    given: dict[str, str], added: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    for environment in (child_environment(Settings(home=tmp_path)), spark_environment()):
        assert environment.get("LC_ALL") == ("C.UTF-8" if added else given.get("LC_ALL"))
