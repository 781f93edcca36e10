"""How many epochs a run trains: by the recall of the choice window's users, and not before items were trained often."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.data.training_data import TrainingData, read_training_data
from ml.evaluation import epoch_choice
from ml.evaluation.choices import fit_as_a_run, fit_before_windows
from ml.evaluation.epoch_choice import ChosenEpochs, EpochCurve
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import FIXED, Settings


def curve(*of_epochs: Sequence[float]) -> EpochCurve:
    return EpochCurve([np.array(each) for each in of_epochs])


@pytest.mark.parametrize(
    ("recalls", "is_over"),
    [
        # Five epochs are not twice three.
        ([[0.5, 0.5]] * 5, False),
        ([[0.5, 0.5]] * 6, True),
        # .004 of .504 is less than a hundredth, .006 of .506 is more; all users alike, so that nothing is added.
        ([[0.5, 0.5]] * 3 + [[0.504, 0.504]] * 3, True),
        ([[0.5, 0.5]] * 3 + [[0.506, 0.506]] * 3, False),
        # The mean of three epochs counts, not a single one.
        ([[0.5, 0.5]] * 5 + [[0.509, 0.509]], True),
        # Old epochs do not.
        ([[0.1, 0.1]] * 4 + [[0.5, 0.5]] * 6, True),
        # +.1 and -.1: 0 on average, with a standard error of .1.
        ([[0.5, 0.5]] * 3 + [[0.6, 0.4]] * 3, False),
        # It falls.
        ([[0.5, 0.5]] * 3 + [[0.4, 0.4]] * 3, True),
        # A user without truth says nothing; one user has no standard error.
        ([[0.5, 0.5, np.nan]] * 6, True),
        ([[0.5, np.nan]] * 6, False),
        # Nobody is found at all: nothing may be learnt yet.
        ([[0.0, 0.0]] * 6, False),
    ],
)
def test_training_ends_where_recall_improves_by_less_than_a_hundredth(
    recalls: list[list[float]], is_over: bool
) -> None:
    assert curve(*recalls).no_longer_improves() is is_over


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture
def recalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two users of .5 after each epoch."""
    monkeypatch.setattr(epoch_choice, "recalls_at_k", lambda *given: np.array([0.5, 0.5]))


def settings_of(planted: Any, **changes: Any) -> Settings:
    return planted.settings.model_copy(update={"epochs": 20, **changes})


@pytest.mark.parametrize(("fewest_pairs", "epochs"), [(0, 6), (10, 9)])
def test_the_fits_of_a_run_end_where_that_before_the_window_does(
    planted: Any, data: TrainingData, recalls: None, monkeypatch: pytest.MonkeyPatch, fewest_pairs: int, epochs: int
) -> None:
    window = data.before(data.choices[0])
    items = (window.train.getnnz(axis=0) > 0).sum()
    # So that an item has been in a pair so often after 8.5 epochs.
    monkeypatch.setattr(epoch_choice, "_FEWEST_PAIRS_OF_AN_ITEM", 8.5 * window.train.nnz / items if fewest_pairs else 0)
    ended = []
    settings = settings_of(planted)
    found = fit_before_windows(data, settings, lambda epoch, candidate: ended.append(epoch.number)).choose()
    assert (found.epochs.epochs, ended) == (epochs, [*range(1, epochs + 1)])
    fitted = fit_as_a_run(data, settings)
    assert (fitted.settings.epochs, fitted.settings.epoch_choice) == (epochs, FIXED)


@pytest.mark.parametrize(("changes", "epochs"), [({"epoch_choice": FIXED}, 20), ({"epochs": 5}, 5)])
def test_what_is_set_stays_where_nothing_is_chosen(
    planted: Any, data: TrainingData, recalls: None, changes: dict[str, Any], epochs: int
) -> None:
    assert fit_before_windows(data, settings_of(planted, **changes)).choose().epochs == ChosenEpochs(epochs, "as set")


def test_older_windows_are_fitted_as_long_as_the_newest(
    planted: Any, data: TrainingData, recalls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch_choice, "_FEWEST_PAIRS_OF_AN_ITEM", 0)
    ended = []
    windows = (data.choices[0], data.choices[0])
    fit_before_windows(
        replace(data, choices=windows), settings_of(planted), lambda epoch, _: ended.append(epoch.number)
    ).choose()
    assert ended == [*range(1, 7), *range(1, 7)]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "epochs.json"
    with pytest.raises(NightjarError) as caught:
        epoch_choice.load(file)
    assert caught.value.code == "missing_input"
    epoch_choice.save(ChosenEpochs(7, "a reason"), file)
    assert epoch_choice.load(file) == ChosenEpochs(7, "a reason")
