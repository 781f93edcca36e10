"""What a run chooses on the planted features, and what it does not look at."""

from dataclasses import replace
from typing import Any

import pytest
from scipy import sparse

from ml.data.training_data import TrainingData, TrainingPart, read_training_data
from ml.evaluation.choices import Choices, choose, fit_as_a_run
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
    return choose(data, settings)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPart]:
    """The parts that are fitted."""
    found: list[TrainingPart] = []

    def fit(part: TrainingPart, *given: Any) -> Any:
        found.append(part)
        return fit_candidate(part, *given)

    monkeypatch.setattr("ml.evaluation.choices.fit_candidate", fit)
    return found


def fixed(settings: Settings, *names: str) -> Settings:
    return settings.model_copy(update=dict.fromkeys(names, FIXED))


def test_fixed_settings_choose_nothing_and_fit_nothing(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    found = choose(data, fixed(settings, "blend_choice", "cold_item_choice"))
    assert found.blend.weights is None
    assert (found.cold_items.regression_weight, found.cold_items.blend_weight) == (0.5, 0.2)
    assert parts == []


@pytest.mark.parametrize("is_empty", [False, True])
def test_without_anything_before_the_window_nothing_is_chosen(
    data: TrainingData, settings: Settings, parts: list[TrainingPart], is_empty: bool
) -> None:
    assert data.choice is not None
    nothing = sparse.csr_matrix(data.train.shape, dtype="f4")
    choice = replace(data.choice, train=nothing, train_ranks=nothing) if is_empty else None
    found = choose(replace(data, choice=choice), settings)
    assert (found.blend.weights, parts) == (None, [])


def test_the_only_fit_is_of_what_is_before_the_window(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    found = choose(data, fixed(settings, "cold_item_choice"))
    assert data.choice is not None
    assert [part.pairs for part in parts] == [data.choice.train]
    assert parts[0].history.newest_ranks is data.choice.train_ranks
    # u28 has a feature alone before the window; all users have the one domain.
    assert {users: choice.lists for users, choice in found.blend.choices.items()} == {IN_DOMAIN: 28, WITHOUT_ITEMS: 1}
    assert found.blend.weights is not None
    assert found.blend.weights.of[NEW_TO_DOMAIN]["popular"] == 0.5


def test_fixed_weights_of_the_blend_leave_those_of_cold_items_to_the_window(
    data: TrainingData, settings: Settings, parts: list[TrainingPart]
) -> None:
    found = choose(data, fixed(settings, "blend_choice"))
    assert (found.blend.weights, len(parts)) == (None, 1)


def test_the_holdout_that_judges_changes_no_choice(data: TrainingData, settings: Settings, chosen: Choices) -> None:
    # Every user took what nobody took.
    other = sparse.csr_matrix(1 - data.full.sign().toarray())
    assert choose(replace(data, holdout=other, full=other, full_ranks=None), settings) == chosen
    # The window itself does.
    assert data.choice is not None
    window = replace(data.choice, holdout=(other - data.holdout.multiply(other)).tocsr())
    assert choose(replace(data, choice=window), settings) != chosen


def test_a_run_ranks_by_its_choices(data: TrainingData, settings: Settings, chosen: Choices) -> None:
    candidate = fit_as_a_run(data, settings)
    assert candidate.weights == chosen.blend.weights
    assert candidate.part.pairs is data.train
    assert candidate.settings.cold_item_choice == FIXED
