"""Two runs in one home: the second one's model is compared with a refit of the first one's on its own holdout."""

import contextlib
import itertools
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml import tracking
from ml.data.text_model import text_model_digest
from ml.evaluation import results
from ml.evaluation.champion_refit import UNRECORDED
from ml.evaluation.cold_item_weights import ColdItemWeights
from ml.evaluation.holdout_slices import HoldoutSlice
from ml.models.candidate import Candidate
from ml.stages import evaluate_model, fit_model, gate_model
from nightjar.contract.artifacts import embeddings
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY
from nightjar.contract.errors import GateRefused
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import FIXED
from nightjar.publishing.output_rows import read_rows

FIRST = "2026-03-01.1"
_ATTEMPTS = itertools.count(1)


@pytest.fixture(scope="module")
def first(plant: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first run, published."""
    run = plant(tmp_path_factory.mktemp("home"))
    evaluate_model.run(run.settings, run.folder)
    recall = figure(run.folder, "nightjar", "recall")
    with run.warehouse.transaction() as connection:
        connection.execute(
            "insert into recs.publications values "
            "(1, ?, date '2026-03-01', now(), 'published', null, 'm', ?, 'h', 1, 'c', 'a', 'w', now())",
            [FIRST, run.folder.read_mlflow_run()["run_id"]],
        )
        connection.execute(
            "insert into recs.model_metrics values (?, date '2026-03-01', 'nightjar', 'all', 'recall', 10, ?, 30)",
            [FIRST, recall],
        )
    return run


@pytest.fixture
def second(first: Any) -> Callable[..., Any]:
    """Evaluate a second run of the same features with other settings: `second(setting=value)` gives its verdicts."""

    def evaluate_and_gate(**changes: Any) -> tuple[RunFolder, dict[str, Any]]:
        attempt = f"2026-03-02.{next(_ATTEMPTS)}"
        folder = RunFolder.of(first.settings.lake, attempt)
        for part in ("features", "snapshot"):
            shutil.copytree(first.folder.path / part, folder.path / part)
        folder.write_record(replace(first.folder.record(), publication_id=attempt, interval=of_date("2026-03-02")))
        settings = first.settings.model_copy(update=changes)
        evaluate_model.run(settings, folder)
        with contextlib.suppress(GateRefused):
            gate_model.run(settings, folder)
        with first.warehouse.connect(read_only=True) as connection:
            rows = connection.execute(
                "select gate, verdict, reason, metric, measured, threshold, lead_low, lead_high "
                "from recs.gate_decisions where publication_id = ?",
                [attempt],
            ).fetchall()
        return folder, {row[0]: row[1:] for row in rows}

    return evaluate_and_gate


def figure(folder: RunFolder, model: str, name: str) -> float:
    keys = (model, "all", name)
    rows = read_rows(folder, "model_metrics")
    return next(float(row["value"]) for row in rows if (row["model"], row["slice"], row["metric"]) == keys)


def test_each_configuration_chooses_its_own_weights_of_cold_items(
    second: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen_for = tmp_path / "epochs"

    def choose(candidate: Candidate, cold_slice: HoldoutSlice) -> ColdItemWeights:
        assert cold_slice.name == "cold_item"
        # In a process of its own, where there is a second core.
        with chosen_for.open("a") as file:
            file.write(f"{candidate.settings.epochs} ")
        return ColdItemWeights(0.0, 0.1, "as planned")

    monkeypatch.setattr("ml.evaluation.cold_item_weights.choose", choose)
    second(epochs=3)
    assert chosen_for.read_text() == "3 40 "


def test_the_same_configuration_is_not_trained_twice(second: Callable[..., Any]) -> None:
    folder, verdicts = second()
    assert verdicts["champion"][0] == "passed"
    assert FIRST in verdicts["champion"][1]
    # Nothing was compared.
    assert verdicts["champion"][3] is None
    assert verdicts["champion_record"][0] == "passed"
    assert verdicts["coverage"][0] == "skipped"
    assert "champion" not in {row["model"] for row in read_rows(folder, "model_metrics")}


def test_another_configuration_is_refused_where_it_is_significantly_worse_than_the_refit_of_the_champion(
    first: Any, second: Callable[..., Any]
) -> None:
    # Chosen weights would leave such embeddings next to nothing.
    folder, verdicts = second(epochs=1, learning_rate=1e-5, cooccurrence_share=0.0, blend_choice=FIXED)
    verdict, reason, metric, measured, threshold, low, high = verdicts["champion"]
    assert (verdict, metric) == ("refused", "recall@10")
    assert re.search(rf"NIGHTJAR_EPOCHS {first.settings.epochs}\b.*\b1\b", reason)
    assert low < high < 0
    # The refit of the champion on the same data is the first run's model to the bit.
    assert figure(folder, "champion", "recall") == figure(first.folder, "nightjar", "recall")
    assert measured == pytest.approx(figure(folder, "nightjar", "recall"))
    assert threshold == pytest.approx(0.98 * figure(folder, "champion", "recall"))
    assert low < measured - threshold < high


def test_the_champion_is_refitted_on_the_training_part_alone(first: Any, second: Callable[..., Any]) -> None:
    folder, _ = second(epochs=first.settings.epochs + 1)
    before = figure(folder, "champion", "recall")
    # The same run with only the training part as all interactions.
    full = first.folder.features("full_interactions")
    kept = full.with_name("kept")
    shutil.move(full, kept)
    shutil.copytree(first.folder.features("train_interactions"), full)
    try:
        blind, _ = second(epochs=first.settings.epochs + 1)
    finally:
        shutil.rmtree(full)
        shutil.move(kept, full)
    assert figure(blind, "champion", "recall") == before


def test_a_champion_that_cannot_be_refitted_does_not_stop_another_configuration(
    second: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ml.tracking.recorded_parameters",
        lambda settings, run_id: {**{name: str(value) for name, value in settings}, "learning_rate": "1e30"},
    )
    _, verdicts = second(epochs=3)
    assert verdicts["champion"][0] == "skipped"
    assert "NIGHTJAR_LEARNING_RATE" in verdicts["champion"][1]


def test_a_champion_without_its_mlflow_run_is_compared_by_its_record_alone(
    second: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.tracking.recorded_parameters", lambda settings, run_id: None)
    folder, verdicts = second(epochs=4)
    assert verdicts["champion"][0] == "skipped"
    assert UNRECORDED in verdicts["champion"][1]
    assert verdicts["champion_record"][3] == pytest.approx(figure(folder, "nightjar", "recall"))
    found = results.load(folder.evaluation).compared_champion
    assert found is not None
    assert found.champion.publication_id == FIRST


def test_a_run_with_texts_refits_the_champion_without_them(
    first: Any, second: Callable[..., Any], text_model: Callable[..., str], write_texts: Callable[..., None]
) -> None:
    titles = {f"i{n:02d}": "even" if n % 2 == 0 else "odd" for n in range(43)}
    write_texts(first.folder, titles, [])
    model = text_model({"even": (1.0, 0.0), "odd": (-1.0, 0.0)})
    folder, verdicts = second(text_model=model)
    assert re.search(rf"NIGHTJAR_TEXT_MODEL .*{re.escape(model)}", verdicts["champion"][1])
    assert figure(folder, "champion", "recall") == figure(first.folder, "nightjar", "recall")
    parameters = tracking.recorded_parameters(first.settings, folder.read_mlflow_run()["run_id"])
    assert parameters is not None
    assert parameters["text_model_sha256"] == text_model_digest(model)
    fit_model.run(first.settings.model_copy(update={"text_model": model}), folder)
    # i41 has no feature but its title; which names the planted taste.
    fitted = embeddings.load(folder.model)
    assert fitted.item_sources[41] == FEATURES_ONLY
    assert fitted.item_vectors[41] @ fitted.user_vectors[[1, 3, 5]].mean(axis=0) > 0
    assert fitted.item_vectors[41] @ fitted.user_vectors[[0, 2, 4]].mean(axis=0) < 0
