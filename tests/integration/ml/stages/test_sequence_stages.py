"""The sequence model through the stages that fit, from its setting to the folder that readers are ranked from."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra neural is not installed")

from ml.models.base import NamedArrays
from ml.models.candidate import fit_candidate
from ml.models.sequence_network import Training
from ml.stages import evaluate_model, fit_model
from ml.stages.read_data import read_data
from ml.tracking import TrackedRun
from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.sources import VectorSource
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.publishing.output_rows import read_rows

ON = {"sequence": "on", "sequence_dim": 8, "sequence_epochs": 3, "sequence_length": 12, "epochs": 5}


def test_a_run_evaluates_and_writes_the_source_and_a_killed_stage_continues(
    plant: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = plant(tmp_path, **ON)
    epochs: list[int] = []
    run_epoch = Training.run_epoch

    def killed(self: Training) -> str:
        # In the second fit, on the training part.
        if len(epochs) == 4:
            raise KeyboardInterrupt
        epochs.append(self.epoch + 1)
        return run_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "run_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate_model.run(run.settings, run.folder)
    assert epochs == [1, 2, 3, 1]
    assert len(list(run.folder.fit_checkpoints.iterdir())) == 2

    def counted(self: Training) -> str:
        epochs.append(self.epoch + 1)
        return run_epoch(self)

    monkeypatch.setattr(Training, "run_epoch", counted)
    evaluate_model.run(run.settings, run.folder)
    assert epochs[4:] == [2, 3]
    assert not run.folder.fit_checkpoints.exists()
    alone = {row["metric"] for row in read_rows(run.folder, "model_metrics") if row["model"] == "sequence"}
    assert alone >= {"recall", "ndcg"}

    fit_model.run(run.settings, run.folder)
    assert epochs[6:] == [1, 2, 3]
    assert not run.folder.fit_checkpoints.exists()
    kinds = {row["source"]: (row["kind"], row["items"]) for row in read_rows(run.folder, "model_sources")}
    assert kinds["sequence"] == ("vectors", "warm")
    written = {each.name: each.fitted for each in model_folder.mapped(run.folder.model).others}["sequence"]
    fitted = fit_candidate(read_data(run.folder, run.settings).full_part, run.settings).fitted["sequence"]
    assert isinstance(written, VectorSource)
    assert isinstance(fitted, VectorSource)
    for name, array in fitted.arrays().items():
        assert np.array_equal(written.arrays()[name], array), name
    # u31 has nothing at all; the cold item i40 has the vector of its genre.
    assert not written.user_vectors[31].any()
    assert written.item_vectors[40].any()


def test_the_evaluated_and_the_published_fit_alone_are_warm_started_each_from_its_own_chain(
    plant: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plant(tmp_path, **ON | {"warm_start": "on", "warm_start_epochs": 1})
    starts: list[NamedArrays | None] = []
    begin = Training.__init__

    def begun(self: Training, *given: Any) -> None:
        starts.append(given[-1])
        begin(self, *given)

    monkeypatch.setattr(Training, "__init__", begun)
    tracked = TrackedRun("a run", "1", "1", "models:/nightjar/1")
    monkeypatch.setattr("ml.tracking.log_stage", lambda *_: tracked)
    for stage in (evaluate_model, fit_model):
        stage.run(first.settings, first.folder)
    # Before the choice window, on the training part, on everything.
    assert starts == [None, None, None]
    left = {fit: first.folder.warm_start_checkpoint(fit) / "sequence.npz" for fit in ("evaluation", "final")}
    second = RunFolder.of(first.settings.lake, "2026-03-02.1")
    for part in ("features", "snapshot"):
        shutil.copytree(first.folder.path / part, second.path / part)
    record = replace(first.folder.record(), publication_id="2026-03-02.1", interval=of_date("2026-03-02"))
    second.write_record(replace(record, warm_start_from="2026-03-01.1"))
    starts.clear()
    evaluate_model.run(first.settings, second)
    fit_model.run(first.settings, second)
    of_choice, of_evaluation, of_final = starts
    assert of_choice is None
    for fit, start in (("evaluation", of_evaluation), ("final", of_final)):
        with np.load(left[fit]) as arrays:
            assert start is not None
            assert np.array_equal(start["identities.weight"], arrays["identities.weight"])
    assert (second.warm_start_checkpoint("final") / "sequence.npz").exists()
