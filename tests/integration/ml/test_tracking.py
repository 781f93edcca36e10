"""One real MLflow store in a temporary home; its tables take seconds to create, so the module shares it."""

import json
from pathlib import Path
from typing import Any

import mlflow.telemetry
import pytest
from mlflow import MlflowClient

from ml.tracking import (
    StageLog,
    TrackedRun,
    deletable_runs,
    log_stage,
    log_tuning,
    recorded_parameters,
    register_model,
    set_champion,
)
from ml.tracking_store import check_experiment
from nightjar.contract.errors import BadInput, NightjarError
from tests.support.refusals import refused

TRAINING = StageLog(
    params={"epochs": 3},
    metrics={"epoch.recall_at_10": [0.1, 0.2, 0.3], "nightjar.all.recall_at_10": [0.25]},
    tags={"note": "first"},
)


@pytest.fixture(scope="module")
def client(planted: Any) -> MlflowClient:
    return MlflowClient(planted.settings.mlflow_uri, planted.settings.mlflow_uri)


@pytest.fixture(scope="module")
def tracked(planted: Any) -> TrackedRun:
    return log_stage(planted.settings, planted.folder, TRAINING)


@pytest.fixture(scope="module")
def registered(planted: Any, tracked: TrackedRun, tmp_path_factory: pytest.TempPathFactory) -> TrackedRun:
    model = tmp_path_factory.mktemp("model")
    (model / "manifest.json").write_text("{}")
    logged = log_stage(planted.settings, planted.folder, StageLog(artifacts={"model": model}))
    return register_model(planted.settings, planted.folder, logged, "model")


def test_the_mlflow_run_has_the_publication_and_what_was_logged(client: MlflowClient, tracked: TrackedRun) -> None:
    run = client.get_run(tracked.run_id)
    assert run.info.run_name == "2026-03-01.1"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"epochs": "3"}
    assert run.data.metrics["nightjar.all.recall_at_10"] == 0.25
    history = client.get_metric_history(tracked.run_id, "epoch.recall_at_10")
    assert sorted((point.step, point.value) for point in history) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert client.get_experiment(run.info.experiment_id).name == "nightjar"


def test_a_repeated_stage_adds_nothing(planted: Any, client: MlflowClient, tracked: TrackedRun) -> None:
    again = log_stage(planted.settings, planted.folder, TRAINING)
    assert again.run_id == tracked.run_id
    assert len(client.get_metric_history(tracked.run_id, "epoch.recall_at_10")) == 3
    experiments = [client.get_run(tracked.run_id).info.experiment_id]
    assert len(client.search_runs(experiments)) == 1


def test_parameters_are_read_as_text_and_those_of_no_run_are_none(planted: Any, tracked: TrackedRun) -> None:
    assert recorded_parameters(planted.settings, tracked.run_id) == {"epochs": "3"}
    assert recorded_parameters(planted.settings, "0" * 32) is None


def test_other_settings_under_the_same_attempt_are_refused(planted: Any, tracked: TrackedRun) -> None:
    with refused(NightjarError, "settings_changed", wording=False, run_id=tracked.run_id):
        log_stage(planted.settings, planted.folder, StageLog(params={"epochs": 4}))


def test_the_model_is_registered_once_with_its_files(
    planted: Any, client: MlflowClient, registered: TrackedRun
) -> None:
    again = register_model(planted.settings, planted.folder, log_stage(planted.settings, planted.folder, TRAINING), "x")
    assert again == registered
    assert registered.model_version == "1"
    assert registered.model_uri == "models:/nightjar/1"
    assert [str(each.version) for each in client.search_model_versions("name = 'nightjar'")] == ["1"]
    assert json.loads((planted.folder.path / "mlflow_run.json").read_text()) == {
        "run_id": registered.run_id,
        "experiment_id": "1",
        "model_version": "1",
        "model_uri": "models:/nightjar/1",
    }


def test_the_champion_alias_points_to_the_registered_files(
    planted: Any, client: MlflowClient, registered: TrackedRun
) -> None:
    assert registered.model_version is not None
    set_champion(planted.settings, registered.model_version)
    champion = client.get_model_version_by_alias("nightjar", "champion")
    assert champion.run_id == registered.run_id
    files = Path(champion.source.removeprefix("file://"))
    assert [path.name for path in files.iterdir()] == ["manifest.json"]
    assert files.is_relative_to(planted.settings.mlflow_artifacts)


def test_nothing_is_sent_anywhere(tracked: TrackedRun) -> None:
    assert mlflow.telemetry.get_telemetry_client() is None


def test_trials_are_nested_below_their_search_and_are_no_run_of_a_publication(
    planted: Any, client: MlflowClient
) -> None:
    trials = {"trial 000": StageLog({"epochs": 3}, {"recall": [0.1]}), "trial 001": StageLog({"epochs": 4})}
    search = StageLog({"minutes": 5}, {"holdout.challenger.recall": [0.2]}, {"nightjar.outcome": "passed"})
    run_id = log_tuning(planted.settings, "2026-03-01.1", search, trials)
    # Logged again, as by a retry of the task, it adds nothing.
    assert log_tuning(planted.settings, "2026-03-01.1", search, trials) == run_id
    parent = client.get_run(run_id)
    assert (parent.info.run_name, parent.info.status) == ("tuning 2026-03-01.1", "FINISHED")
    assert parent.data.metrics == {"holdout.challenger.recall": 0.2}
    nested = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    found = {run.info.run_name: (run.data.params, run.data.metrics) for run in nested}
    assert found == {"trial 000": ({"epochs": "3"}, {"recall": 0.1}), "trial 001": ({"epochs": "4"}, {})}
    # The publication of the same name has another run, and retention finds no publication in these.
    assert log_stage(planted.settings, planted.folder, StageLog()).run_id != run_id
    assert run_id not in deletable_runs(planted.settings, ["2026-03-01.1"], []).values()


def test_a_single_file_is_logged_too(planted: Any, client: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "trials.json").write_text("[]")
    run_id = log_tuning(planted.settings, "2026-03-02.1", StageLog(artifacts={"": tmp_path / "trials.json"}), {})
    assert [each.path for each in client.list_artifacts(run_id)] == ["trials.json"]


def test_the_folder_of_a_model_holds_what_was_logged_last_and_others_keep_what_they_had(
    planted: Any, client: MlflowClient, tmp_path: Path
) -> None:
    for attempt, names in (("first", ("kept", "gone")), ("second", ("kept", "new"))):
        for name in names:
            (tmp_path / attempt / "arrays").mkdir(parents=True, exist_ok=True)
            (tmp_path / attempt / "arrays" / name).write_text(attempt)
        source = {"flavoured": tmp_path / attempt}
        run_id = log_stage(planted.settings, planted.folder, StageLog(models=source)).run_id
        log_stage(planted.settings, planted.folder, StageLog(artifacts={"pictures": tmp_path / attempt}))
    held = {
        folder: {Path(each.path).name for each in client.list_artifacts(run_id, f"{folder}/arrays")}
        for folder in ("flavoured", "pictures")
    }
    assert held == {"flavoured": {"kept", "new"}, "pictures": {"kept", "gone", "new"}}
    fetched = client.download_artifacts(run_id, "flavoured/arrays/kept", str(tmp_path))
    assert Path(fetched).read_text() == "second"


def test_a_deleted_experiment_is_refused_with_the_command_that_restores_it(planted: Any, client: MlflowClient) -> None:
    settings = planted.settings.model_copy(update={"mlflow_name": "binned"})
    check_experiment(settings)
    number = client.create_experiment("binned")
    check_experiment(settings)
    client.delete_experiment(number)
    for ask in (check_experiment, lambda settings: log_stage(settings, planted.folder, TRAINING)):
        fields = {"setting": "NIGHTJAR_MLFLOW_NAME", "value": "binned", "experiment_id": number}
        with refused(BadInput, "deleted_experiment", wording=False, **fields) as error:
            ask(settings)
        assert f"mlflow experiments restore -x {number}" in str(error.value)
    check_experiment(settings.model_copy(update={"mlflow_name": "another"}))
    client.restore_experiment(number)
    check_experiment(settings)


def test_a_version_that_was_deleted_from_the_registry_is_bad_input(planted: Any, registered: TrackedRun) -> None:
    with refused(BadInput, "unknown_model_version", wording=False, model="nightjar", model_version="77"):
        set_champion(planted.settings, "77")
