"""What a run chooses on the planted features, and what it does not look at."""

from dataclasses import replace
from typing import Any

import pytest
from scipy import sparse

from ml.data.training_data import TrainingData, TrainingPart, read_training_data
from ml.evaluation.choices import Choices, fit_as_a_run, fit_before_windows
from ml.models.candidate import fit_candidate
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS
from nightjar.contract.settings import FIXED, Settings


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture(scope="module")
def settings(planted: Any) -> Settings:
    return planted.settings.model_copy(update={"epochs": 3})


@pytest.fixture(scope="module")
def chosen(data: TrainingData, settings: Settings) -> Choices:
    return fit_before_windows(data, settings).choose()


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPart]:
    """The parts that are fitted."""
    found: list[TrainingPart] = []

    def fit(part: TrainingPart, *given: Any, **named: Any) -> Any:
        found.append(part)
        return fit_candidate(part, *given, **named)

    monkeypatch.setattr("ml.evaluation.choices.fit_candidate", fit)
    return found


def fixed(settings: Settings, *names: str) -> Settings:
    return settings.model_copy(update=dict.fromkeys(names, FIXED))


def test_fixed_settings_choose_nothing_and_fit_nothing(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    found = fit_before_windows(data, fixed(settings, "blend_choice", "cold_item_choice", "epoch_choice")).choose()
    assert found.blend.weights is None
    assert (found.cold_items.regression_weight, found.cold_items.blend_weight) == (0.5, 0.2)
    assert found.epochs.epochs == 3
    assert parts == []


@pytest.mark.parametrize("is_empty", [False, True])
def test_without_anything_before_the_window_nothing_is_chosen(
    data: TrainingData, settings: Settings, parts: list[TrainingPart], is_empty: bool
) -> None:
    nothing = sparse.csr_matrix(data.train.shape, dtype="f4")
    choices = (replace(data.choices[0], train=nothing, train_ranks=nothing),) if is_empty else ()
    found = fit_before_windows(replace(data, choices=choices), settings).choose()
    assert (found.blend.weights, parts) == (None, [])


def test_the_only_fit_is_of_what_is_before_the_window(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    found = fit_before_windows(data, fixed(settings, "cold_item_choice")).choose()
    [window] = data.choices
    assert [part.pairs for part in parts] == [window.train]
    assert parts[0].history.newest_ranks is window.train_ranks
    # u28 has a feature alone before the window; all users have the one domain.
    assert {users: choice.lists for users, choice in found.blend.choices.items()} == {IN_DOMAIN: 28, WITHOUT_ITEMS: 1}
    assert found.blend.weights is not None
    assert found.blend.weights.of[NEW_TO_DOMAIN]["popular"] == 0.5


def test_fixed_weights_of_the_blend_leave_those_of_cold_items_to_the_window(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    found = fit_before_windows(data, fixed(settings, "blend_choice")).choose()
    assert (found.blend.weights, len(parts)) == (None, 1)


def test_the_holdout_that_judges_changes_no_choice(data: TrainingData, settings: Settings, chosen: Choices) -> None:
    # Every user took what nobody took.
    other = sparse.csr_matrix(1 - data.full.sign().toarray())
    assert fit_before_windows(replace(data, holdout=other, full=other, full_ranks=None), settings).choose() == chosen
    # The window itself does.
    window = replace(data.choices[0], holdout=(other - data.holdout.multiply(other)).tocsr())
    assert fit_before_windows(replace(data, choices=(window,)), settings).choose() != chosen


def test_older_windows_judge_beside_the_newest_by_fits_of_their_own(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    [newest] = data.choices
    # Of the older window two users judge; before a third one there is nothing.
    some = sparse.csr_matrix(newest.holdout.shape, dtype="f4")
    some[:2] = newest.holdout[:2]
    older = replace(newest, train=newest.train * 2, holdout=some.tocsr())
    nothing = sparse.csr_matrix(data.train.shape, dtype="f4")
    windows = (newest, older, replace(newest, train=nothing, train_ranks=nothing))
    found = fit_before_windows(replace(data, choices=windows), fixed(settings, "cold_item_choice")).choose()
    assert [part.pairs for part in parts] == [newest.train, older.train]
    assert found.blend.choices[IN_DOMAIN].lists == 28 + 2


def test_a_run_ranks_by_its_choices(data: TrainingData, settings: Settings, chosen: Choices) -> None:
    candidate = fit_as_a_run(data, settings)
    assert candidate.weights == chosen.blend.weights
    assert candidate.part.pairs is data.train
    assert candidate.settings.cold_item_choice == FIXED
