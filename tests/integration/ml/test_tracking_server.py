"""Two warehouses on one MLflow server over HTTP: what the server keeps, and that neither touches the other's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ml.tracking import StageLog, TrackedRun, deletable_runs, delete_runs, log_stage, register_model, set_champion
from nightjar.contract.errors import NightjarError
from nightjar.contract.interval import DataInterval
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from tests.support.mlflow_server import MlflowServer, free_port, running_mlflow
from tests.support.postgres_server import PostgresServer
from tests.support.refusals import refused

DAY = DataInterval(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
PUBLICATION = "2026-03-01.1"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's own disk."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, store: Path) -> Iterator[MlflowServer]:
    with running_mlflow(postgres_server, free_port(), store) as server:
        yield server


@pytest.fixture(scope="module")
def address(server: MlflowServer) -> str:
    return server.address


@pytest.fixture(scope="module")
def client(address: str) -> MlflowClient:
    return MlflowClient(address, address)


def a_night(settings: Settings) -> tuple[RunFolder, TrackedRun]:
    """Log and register one run with one file as its model."""
    folder = RunFolder.of(settings.lake, PUBLICATION)
    folder.write_record(RunRecord(PUBLICATION, 1, DAY, None, "auto", "test", "v"))
    folder.model.mkdir(exist_ok=True)
    (folder.model / "manifest.json").write_text(settings.mlflow_name)
    logged = log_stage(settings, folder, StageLog(params={"epochs": 3}, artifacts={"model": folder.model}))
    return folder, register_model(settings, folder, logged, "model")


@pytest.fixture(scope="module")
def homes(address: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Settings]:
    return {
        name: Settings(home=tmp_path_factory.mktemp(name), mlflow_url=address, mlflow_name=name)
        for name in ("books", "films")
    }


@pytest.fixture(scope="module")
def runs(homes: dict[str, Settings]) -> dict[str, TrackedRun]:
    """The same publication id in both warehouses, published in each."""
    runs = {name: a_night(settings)[1] for name, settings in homes.items()}
    for name, run in runs.items():
        assert run.model_version is not None
        set_champion(homes[name], run.model_version)
    return runs


def test_the_server_stores_the_artifacts_and_the_home_none(
    client: MlflowClient, homes: dict[str, Settings], runs: dict[str, TrackedRun], store: Path, tmp_path: Path
) -> None:
    uri = client.get_run(runs["books"].run_id).info.artifact_uri
    assert uri.startswith("mlflow-artifacts:/")
    assert len(list((store / "artifacts").rglob("manifest.json"))) == 2
    assert not homes["books"].mlflow_artifacts.exists()
    fetched = client.download_artifacts(runs["books"].run_id, "model/manifest.json", str(tmp_path))
    assert Path(fetched).read_text() == "books"


def test_each_warehouse_has_an_experiment_a_model_and_a_champion_of_its_name(
    client: MlflowClient, runs: dict[str, TrackedRun]
) -> None:
    assert {each.name for each in client.search_experiments()} >= {"books", "films"}
    assert {each.name for each in client.search_registered_models()} == {"books", "films"}
    for name, run in runs.items():
        assert run.model_uri == f"models:/{name}/1"
        assert client.get_model_version_by_alias(name, "champion").run_id == run.run_id


def test_a_repeated_stage_adds_nothing(homes: dict[str, Settings], runs: dict[str, TrackedRun]) -> None:
    folder = RunFolder.of(homes["books"].lake, PUBLICATION)
    assert log_stage(homes["books"], folder, StageLog(params={"epochs": 3})) == runs["books"]


def test_retention_deletes_runs_of_its_own_warehouse_only_with_their_files(
    client: MlflowClient, homes: dict[str, Settings], runs: dict[str, TrackedRun], store: Path
) -> None:
    # The champion's run stays in any case.
    assert deletable_runs(homes["films"], [PUBLICATION], []) == {}
    client.delete_registered_model_alias("films", "champion")
    going = deletable_runs(homes["films"], [PUBLICATION], [])
    assert going == {PUBLICATION: runs["films"].run_id}
    delete_runs(homes["films"], going.values())
    assert [path.read_text() for path in (store / "artifacts").rglob("manifest.json")] == ["books"]
    assert client.get_run(runs["films"].run_id).info.lifecycle_stage == "deleted"
    assert client.search_model_versions("name = 'films'") == []
    assert client.get_run(runs["books"].run_id).info.lifecycle_stage == "active"


def test_an_unreachable_server_is_named_by_its_setting(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    settings = Settings(home=tmp_path, mlflow_url=url)
    folder = RunFolder.of(settings.lake, PUBLICATION)
    folder.write_record(RunRecord(PUBLICATION, 1, DAY, None, "auto", "test", "v"))
    with refused(NightjarError, "mlflow_unreachable", wording=False, setting="NIGHTJAR_MLFLOW_URL", value=url):
        log_stage(settings, folder, StageLog(params={"epochs": 3}))


@pytest.mark.parametrize("call", ["log_batch", "log_artifacts"])
def test_a_server_that_dies_in_the_middle_is_named_and_the_repeated_stage_adds_what_is_missing(
    server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "canary")
    settings = Settings(home=tmp_path, mlflow_url=server.address, mlflow_name=f"dies_in_{call}")
    whole = getattr(MlflowClient, call)

    def dies_first(*arguments: object, **named: object) -> object:
        server.kill()
        return whole(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, dies_first)
        with refused(NightjarError, "mlflow_unreachable", wording=False, value=server.address) as failure:
            a_night(settings)
    assert failure.value.exit_code == 1
    assert "\n" not in str(failure.value)
    assert "canary" not in str(failure.value)
    server.start()
    _, tracked = a_night(settings)
    client = MlflowClient(server.address, server.address)
    [run] = client.search_runs([tracked.experiment_id])
    assert (run.info.run_id, run.info.status, run.data.params) == (tracked.run_id, "FINISHED", {"epochs": "3"})
    assert [each.path for each in client.list_artifacts(tracked.run_id, "model")] == ["model/manifest.json"]
    [version] = client.search_model_versions(f"name = '{settings.mlflow_name}'")
    assert version.run_id == tracked.run_id
