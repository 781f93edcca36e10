from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import create_engine, text

from nightjar.contract.environment import child_environment
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, load_settings, run_parameters
from tests.support.refusals import refused


def test_a_variable_sets_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_TOP_K", "25")
    assert load_settings().top_k == 25


def test_a_wrong_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_HOLDOUT_FRACTION", "1.5")
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_HOLDOUT_FRACTION", value="1.5"):
        load_settings()


def test_the_home_is_absolute_and_holds_all_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(home=Path("here"))
    assert settings.home == tmp_path / "here"
    for path in (settings.warehouse_path, settings.lake, settings.airflow_home, settings.mlflow_artifacts):
        assert path.is_relative_to(tmp_path / "here")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().top_k = 5  # type: ignore[misc]


def test_neither_a_password_nor_an_address_is_told_of_a_run() -> None:
    settings = Settings(
        home=Path("canary-home"),
        postgres_host="canary-host",
        postgres_password=SecretStr("canary-password"),
        postgres_admin_password=SecretStr("canary-admin"),
        mlflow_url="http://canary-mlflow",
        failure_notifier_arguments='{"token": "canary-token"}',
    )
    told = run_parameters(settings)
    assert "canary" not in " ".join(str(value) for value in told.values())
    assert not [name for name in told if "password" in name]
    assert told["embedding_dim"] == 64
    assert not [password for password in ("canary-password", "canary-admin") if password in repr(settings)]


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "spark://h:7077", "spark://a.b:1,c-d:2"])
def test_a_spark_master_is_local_or_a_cluster(master: str) -> None:
    assert Settings(spark_master=master).spark_master == master


@pytest.mark.parametrize(
    "master", ["", "local[0]", "spark://", "spark://host", "spark://a b:1", "spark://u:p@h:1", "yarn"]
)
def test_another_spark_master_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, master: str) -> None:
    monkeypatch.setenv("NIGHTJAR_SPARK_MASTER", master)
    with refused(
        BadInput, "unknown_setting_value", setting="NIGHTJAR_SPARK_MASTER", value=master.replace("u:p@", "...@")
    ):
        load_settings()


def test_a_password_in_mlflows_address_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_MLFLOW_URL", "http://ann:canary@mlflow.example:5000")  # pragma: allowlist secret
    shown = "http://...@mlflow.example:5000"
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_MLFLOW_URL", value=shown) as caught:
        load_settings()
    error = caught.value
    assert "canary" not in f"{error} {error.fields} {error.__cause__}"


@pytest.mark.parametrize("url", ["mlflow:5000", "file:///tmp", "http://", "http://h/?a=1", "http://["])
def test_an_address_of_mlflow_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("NIGHTJAR_MLFLOW_URL", url)
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_MLFLOW_URL", value=url):
        load_settings()


def test_a_name_in_mlflow_has_no_character_that_uris_or_filters_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(mlflow_name="team-a_2").mlflow_name == "team-a_2"
    monkeypatch.setenv("NIGHTJAR_MLFLOW_NAME", "team/a' or 1")
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_MLFLOW_NAME", value="team/a' or 1"):
        load_settings()


def test_where_services_are_is_no_parameter_of_a_run() -> None:
    parameters = run_parameters(Settings(mlflow_url="http://mlflow:5000", spark_master="spark://spark:7077"))
    assert not [name for name in parameters if name.startswith(("mlflow", "spark", "postgres"))]
    assert parameters["epochs"] == 30


@pytest.mark.parametrize(
    "part", ["a%41", "a?y=1", "a$HOME", "a{b}", "a[b]", "a*", "a\\b", "a\nb", "a\x7fb", "a\udce9b"]
)
def test_a_home_that_cannot_work_is_refused_before_anything_is_made(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path / part))
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_HOME", value=tmp_path / part):
        load_settings()
    assert list(tmp_path.iterdir()) == []


def test_other_letters_and_signs_are_no_fault_of_a_home_and_sqlalchemy_finds_it(tmp_path: Path) -> None:
    home = tmp_path / "höme 日本 'b' \"c\" #1 &;:,=+(d)@!~"
    settings = Settings(home=home)
    home.mkdir()
    for address in (settings.mlflow_uri, child_environment(settings)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]):
        settings.airflow_home.mkdir(exist_ok=True)
        with create_engine(address).connect() as connection:
            connection.execute(text("create table a (b int)"))
    assert (home / "mlflow.db").stat().st_size > 0
    assert (home / "airflow" / "airflow.db").stat().st_size > 0
