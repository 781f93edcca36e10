from pathlib import Path

import numpy as np

from ml.evaluation import results
from ml.evaluation.champion import Champion
from ml.evaluation.results import ComparedChampion, EvaluationResults
from nightjar.contract.errors import NightjarError
from tests.support.refusals import refused


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = tmp_path / "evaluation"
    of_users = {
        "nightjar": {"recall": np.array([0.5, 0.1 + 0.2]), "ndcg": np.array([0.25, 1.0])},
        "popularity": {"recall": np.array([0.0, 1.0]), "ndcg": np.array([0.0, 1.0])},
    }
    compared = ComparedChampion(
        Champion("2026-02-28.1", "r", None), changed_configuration=["NIGHTJAR_EPOCHS 20, now 30"]
    )
    results.save(EvaluationResults(of_users, {"nightjar": 0.4, "popularity": 0.1}, compared), folder)
    found = results.load(folder)
    assert found.coverage == {"nightjar": 0.4, "popularity": 0.1}
    assert found.compared_champion == compared
    assert {model: {name: each.tolist() for name, each in of.items()} for model, of in found.of_users.items()} == {
        model: {name: each.tolist() for name, each in of.items()} for model, of in of_users.items()
    }


def test_results_without_users_and_champion_are_read_too(tmp_path: Path) -> None:
    no_user = {"nightjar": {"recall": np.array([])}}
    results.save(EvaluationResults(no_user, {"nightjar": float("nan")}, None), tmp_path / "evaluation")
    found = results.load(tmp_path / "evaluation")
    assert len(found.of_users["nightjar"]["recall"]) == 0
    assert np.isnan(found.coverage["nightjar"])
    assert found.compared_champion is None


def test_missing_results_are_refused_with_the_stage_to_run(tmp_path: Path) -> None:
    folder = tmp_path / "evaluation"
    with refused(NightjarError, "missing_input", file=folder, stage="evaluate_model"):
        results.load(tmp_path / "evaluation")
