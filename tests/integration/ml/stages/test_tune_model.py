"""The whole search on planted features: only the Spark job is a stand-in."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from ml.stages import tune_model
from ml.stages.tuning_features import FeatureCache
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import FIXED, Settings
from nightjar.contract.tuned_configuration import (
    UNTUNED,
    TunedConfiguration,
    read_tuned_configuration,
    write_tuned_configuration,
)
from nightjar.publishing.tuned_configurations import in_force, search_results
from nightjar.publishing.tuning_folder import TuningFolder
from tests.support.refusals import refused

NAME = "2026-03-01.1"
# A search can only find something better than this; chosen weights would leave such embeddings next to nothing.
POOR = {"epochs": 1, "learning_rate": 0.0001, "embedding_dim": 16, "cooccurrence_share": 0.0, "blend_choice": FIXED}


@dataclass
class Tuned:
    """One search that has ended, its summary, and the settings for which features were built."""

    settings: Settings
    folder: TuningFolder
    summary: str
    built: list[tuple[str, Settings]]


def tune(planted: Any, home: Path, monkeypatch: pytest.MonkeyPatch, trials: int, **changes: Any) -> Tuned:
    settings = Settings(home=home, max_sampled=10, **changes)
    folder = TuningFolder(settings.lake / "tuning" / NAME)
    record = RunRecord(NAME, 1, of_date("2026-03-01"), None, "never", "tuning", "0.1.0", ("features",))
    folder.run_folder.write_record(record)
    write_tuned_configuration(folder.in_force, UNTUNED)
    pairs = {f"{side}_id": [f"{side[0]}00"] for side in ("user", "item")}
    folder.run_folder.snapshot("interactions").parent.mkdir()
    pq.write_table(pa.table({"event_id": ["e1"], **pairs}), folder.run_folder.snapshot("interactions"))
    built: list[tuple[str, Settings]] = []

    def build(settings: Settings, target: RunFolder, as_of: object) -> None:
        built.append((target.path.parent.parent.name, settings))
        shutil.copytree(planted.folder.path / "features", target.path / "features")

    class PlantedCache(FeatureCache):
        def __init__(self, source: RunFolder, as_of: Any) -> None:
            super().__init__(source, as_of, build)

    monkeypatch.setattr(tune_model, "FeatureCache", PlantedCache)
    return Tuned(settings, folder, tune_model.run(settings, folder, 60, trials), built)


@pytest.fixture(scope="module")
def tuned(planted: Any, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return tune(planted, tmp_path_factory.mktemp("tuned"), monkeypatch, trials=6, **POOR)


def test_later_runs_train_with_a_winner_that_passed(tuned: Tuned) -> None:
    [result] = search_results(tuned.settings.lake)
    assert result.verdict == "passed", result.reason
    assert (result.configuration.name, result.verdict, result.compared_with) == (NAME, "passed", UNTUNED.label)
    assert in_force(tuned.settings, of_date("2026-03-02").data_date) == result.configuration
    assert in_force(tuned.settings, of_date("2026-03-01").data_date) == UNTUNED
    assert tuned.summary.startswith(f"{NAME} passed, ")
    assert tuned.summary.endswith(f": {result.reason}")


def test_the_winner_is_the_trial_with_the_highest_recall(tuned: Tuned) -> None:
    trials = json.loads(tuned.folder.trials.read_text(encoding="utf-8"))
    best = max((each for each in trials if "recall" in each), key=lambda each: each["recall"])
    [result] = search_results(tuned.settings.lake)
    assert result.configuration.values == best["values"]
    assert len(trials) == 7
    assert trials[0]["values"]["epochs"] == 1


def test_trials_see_the_window_and_only_the_two_that_are_gated_see_the_whole_run(tuned: Tuned) -> None:
    whole_run = [settings for where, settings in tuned.built if where == "night"]
    window = [settings for where, settings in tuned.built if where == "window"]
    assert 1 <= len(whole_run) <= 2
    # Other users and items are drawn as cold than those that the run has held out.
    assert {each.seed for each in window} == {tuned.settings.seed + 1}
    assert {each.seed for each in whole_run} == {tuned.settings.seed}


def test_the_search_and_its_trials_are_in_mlflow(tuned: Tuned) -> None:
    client = MlflowClient(tuned.settings.mlflow_uri, tuned.settings.mlflow_uri)
    experiment = client.get_experiment_by_name("nightjar")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    parent = runs.pop(f"tuning {NAME}")
    assert sorted(runs) == [f"trial {number:03d}" for number in range(7)]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert runs["trial 000"].data.params["learning_rate"] == "0.0001"
    assert runs["trial 000"].data.tags["nightjar.state"] == "complete"
    assert parent.data.metrics["holdout.challenger.recall"] > parent.data.metrics["holdout.in_force.recall"]
    assert parent.data.metrics["validation.best.recall"] > parent.data.metrics["validation.in_force.recall"]
    assert parent.data.params["data_date"] == "2026-03-01"
    assert parent.data.tags["nightjar.outcome"] == tuned.summary
    assert {each.path for each in client.list_artifacts(parent.info.run_id)} == {"plots", "trials.json"}
    assert [each.path for each in client.list_artifacts(parent.info.run_id, "plots")] == ["plots/trade_off.png"]


def test_only_figures_are_left_when_it_has_ended(tuned: Tuned) -> None:
    left = sorted(str(path.relative_to(tuned.folder.path)) for path in tuned.folder.path.rglob("*") if path.is_file())
    assert left == ["plots/trade_off.png", "rival.json", "trials.json"]
    with refused(BadInput, "unknown_tuning", wording=False, tuning=NAME):
        TuningFolder.of(tuned.settings.lake, NAME)


def test_where_nothing_is_better_nothing_changes(planted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.tuning.search.search_epochs", first_is_best(monkeypatch))
    done = tune(planted, tmp_path, monkeypatch, trials=2)
    assert done.summary.startswith(f"{NAME}: ")
    assert UNTUNED.label in done.summary
    assert re.search(r"\b2\b", done.summary.removeprefix(NAME))
    assert search_results(done.settings.lake) == []


def first_is_best(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    from ml.tuning.search import search_epochs

    made = []

    def search(*arguments: Any) -> Any:
        made.append(search_epochs(*arguments))
        return made[0] if len(made) == 1 else None

    return search


def test_a_winner_that_fails_the_gate_is_kept_as_refused(
    planted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = tune(planted, tmp_path, monkeypatch, trials=6, gate_popularity_margin=100.0, **POOR)
    [result] = search_results(done.settings.lake)
    assert result.verdict == "refused"
    assert result.reason.startswith("popularity: recall@10 ")
    assert done.summary.startswith(f"{NAME} refused, ")
    assert done.summary.endswith(f": {result.reason}")
    assert in_force(done.settings, of_date("2026-03-02").data_date) == UNTUNED
    assert read_tuned_configuration(done.settings.lake / "recipes" / f"{NAME}.json") == TunedConfiguration(
        NAME, result.configuration.values
    )
