"""When the sequence model is fitted, and when a run is refused because its package is missing; without torch."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ml.data.training_data import TrainingPart
from ml.models.base import LongFit, LongModel
from ml.models.candidate import fit_candidate
from ml.models.registry import MODELS
from ml.models.sequence import Sequence
from nightjar.contract.artifacts.sources import ItemScores
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.sequence_check import check_sequence
from nightjar.publishing.tuning_folder import begin_tuning
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

SETTING, ON = "NIGHTJAR_SEQUENCE", Settings(sequence="on")


def part_of(newest_ranks: list[list[float]]) -> TrainingPart:
    ranks = matrix(newest_ranks)
    return training_data(ranks.sign(), train_ranks=ranks).train_part


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightjar.contract.extras.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ml.models.sequence_network", raising=False)


@pytest.mark.parametrize(
    "begin",
    [
        lambda settings, warehouse: begin_attempt(settings, warehouse, RunRequest(of_date("2026-03-01"), "r")),
        lambda settings, warehouse: begin_tuning(settings, warehouse, None),
    ],
)
@pytest.mark.usefixtures("without_torch")
def test_a_run_without_the_package_is_refused_before_any_work(
    begin: Callable[[Settings, Warehouse], object], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", sequence="on")
    warehouse = open_warehouse(settings)
    with refused(BadInput, "missing_package", setting=SETTING, package="torch"):
        begin(settings, warehouse)
    assert not settings.lake.exists()


@pytest.mark.usefixtures("without_torch")
def test_runs_that_fit_no_sequence_model_need_no_package() -> None:
    check_sequence(Settings())
    # Scoring again with the date's model.
    check_sequence(ON, ("serving", "publication"))
    assert Sequence().fit(part_of([[1, 3, 2]]), Settings()) is None


@pytest.mark.usefixtures("without_torch")
def test_the_refit_of_a_champion_names_the_missing_package() -> None:
    with refused(BadInput, "missing_package", setting=SETTING, package="torch"):
        Sequence().fit(part_of([[1, 3, 2]]), ON)


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize("newest_ranks", [[[0, 0]], [[1, 1, 1], [1, 0, 1]], [[1, 2, 0], [0, 1, 2]]])
def test_nothing_is_fitted_without_an_order_or_by_two_items_a_user(
    newest_ranks: list[list[float]],
) -> None:
    assert Sequence().fit(part_of(newest_ranks), ON) is None


def test_a_model_whose_fit_is_long_gets_where_to_log_and_where_to_keep_checkpoints(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Slow(Sequence):
        name = "slow"

        def fit_long(self, part: TrainingPart, settings: Settings, log: LongFit) -> ItemScores:  # type: ignore[override]
            log.say(str(log.checkpoints))
            return ItemScores(np.zeros(2, np.float32))

    lines: list[str] = []
    monkeypatch.setattr("ml.models.registry.MODELS", (Slow(),))
    settings = Settings(epochs=1, embedding_dim=2)
    fitted = fit_candidate(part_of([[1, 2]]), settings, log=LongFit(lines.append, tmp_path))
    assert (list(fitted.fitted), lines) == (["slow"], [str(tmp_path)])


def test_one_model_of_the_registry_takes_long() -> None:
    assert [model.name for model in MODELS if isinstance(model, LongModel)] == ["sequence"]
