"""Two runs, the second warm-started from the first."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.stages import evaluate_model, fit_model
from ml.tracking import StageLog, TrackedRun
from nightjar.contract.artifacts import embeddings
from nightjar.contract.errors import NightjarError
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from tests.support.refusals import refused


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[StageLog]:
    """What the stages log in MLflow."""
    logged: list[StageLog] = []

    def log_stage(settings: Any, folder: RunFolder, log: StageLog) -> TrackedRun:
        logged.append(log)
        return TrackedRun("a run", "1", "1", "models:/nightjar/1")

    monkeypatch.setattr("ml.tracking.log_stage", log_stage)
    return logged


def test_both_fits_of_a_run_are_warm_started_and_logged_so(
    plant: Callable[..., Any], tmp_path: Path, logged: list[StageLog]
) -> None:
    first = plant(tmp_path, warm_start="on", epochs=20, warm_start_epochs=4)
    for stage in (evaluate_model, fit_model):
        stage.run(first.settings, first.folder)
    second = RunFolder.of(first.settings.lake, "2026-03-02.1")
    for part in ("features", "snapshot"):
        shutil.copytree(first.folder.path / part, second.path / part)
    record = replace(first.folder.record(), publication_id="2026-03-02.1", interval=of_date("2026-03-02"))
    second.write_record(replace(record, warm_start_from="2026-03-01.1"))
    # The evaluated model never starts from a fit that saw the holdout.
    shutil.rmtree(first.folder.warm_start_checkpoint("final"))
    evaluate_model.run(first.settings, second)
    assert [log.params["warm_start_from"] for log in logged if log.params] == ["none", "2026-03-01.1"]
    assert [len(log.metrics["epoch.recall_at_10"]) for log in logged if log.metrics] == [20, 4]
    assert embeddings.read_manifest(second.warm_start_checkpoint("evaluation"))["epochs"] == 24
    with refused(NightjarError, "missing_manifest", wording=False, path=first.folder.warm_start_checkpoint("final")):
        fit_model.run(first.settings, second)


def test_runs_from_scratch_leave_no_checkpoint(
    plant: Callable[..., Any], tmp_path: Path, logged: list[StageLog]
) -> None:
    run = plant(tmp_path, epochs=1)
    evaluate_model.run(run.settings, run.folder)
    assert not run.folder.warm_start_checkpoint("evaluation").exists()
