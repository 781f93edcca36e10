from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from ml.stages.tuning_features import FeatureCache
from ml.tuning.search import FEATURES_EVERY, Search
from ml.tuning.trial_fit import Fitted, ListMetrics
from ml.tuning.trials import Budget, Trial, winner
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tuned_configuration import TUNABLE, tunable_values
from tests.support.refusals import refused

MakeCache = Callable[..., FeatureCache]


def summaries(trials: list[Trial]) -> list[tuple[Any, ...]]:
    return [(each.state, each.values, each.fitted and each.fitted.curve) for each in trials]


def clock_of(seconds: Iterator[float]) -> Callable[[], float]:
    return lambda: next(seconds)


@pytest.fixture(scope="module")
def search(planted: Any, build: Any, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Twelve trials on the planted tastes."""
    source = RunFolder(tmp_path_factory.mktemp("search"))
    (source.path / "snapshot").mkdir()
    as_of = datetime(2026, 3, 2, tzinfo=UTC)
    found = Search(planted.settings, FeatureCache(source, as_of, build), Budget(minutes=60, trials=12))
    assert list(found.run()) == found.trials
    return found


def test_the_configuration_in_force_is_the_first_trial(planted: Any, search: Search) -> None:
    first = search.trials[0]
    assert (first.number, first.state, first.values) == (0, "complete", tunable_values(planted.settings))
    assert first.fitted is not None
    assert first.fitted.epochs == len(first.fitted.curve) == planted.settings.epochs


def test_as_many_other_trials_follow_as_were_requested(search: Search) -> None:
    assert [each.number for each in search.trials] == list(range(13))
    assert {each.state for each in search.trials} <= {"complete", "pruned"}


def test_a_complete_trial_names_every_tunable_setting_and_its_best_epochs(search: Search) -> None:
    complete = [each for each in search.trials if each.fitted]
    assert len(complete) >= 4
    for each in complete:
        assert set(each.values) == set(TUNABLE)
        assert each.fitted is not None
        assert each.values["epochs"] == each.fitted.epochs


def test_features_change_only_every_few_trials(search: Search) -> None:
    def features(each: Trial) -> tuple[Any, ...]:
        return tuple(each.values[name] for name in ("recency_rank_power", "max_feature_weight"))

    for number in range(1, 13):
        if number % FEATURES_EVERY:
            assert features(search.trials[number]) == features(winner(search.trials[:number]))


def test_the_same_number_of_trials_gives_the_same_trials(
    planted: Any, build: Any, cache_of: MakeCache, search: Search
) -> None:
    again = Search(planted.settings, cache_of(build), Budget(minutes=60, trials=6))
    assert summaries(list(again.run())) == summaries(search.trials[:7])


def test_settings_outside_the_ranges_are_searched_from_too(planted: Any, build: Any, cache_of: MakeCache) -> None:
    odd = planted.settings.model_copy(update={"embedding_dim": 7, "max_feature_weight": 4.0})
    trials = list(Search(odd, cache_of(build), Budget(minutes=60, trials=2)).run())
    assert trials[0].values["embedding_dim"] == 7
    assert all(each.values["embedding_dim"] in (16, 32, 64, 128) for each in trials[1:])


def test_the_first_trial_is_made_however_little_time_there_is(planted: Any, build: Any, cache_of: MakeCache) -> None:
    [only] = Search(planted.settings, cache_of(build), Budget(minutes=0)).run()
    assert (only.number, only.state) == (0, "complete")


def test_a_trial_ends_with_the_time(planted: Any, build: Any, cache_of: MakeCache) -> None:
    budget = Budget(minutes=1, clock=lambda: 0.0)
    running = Search(planted.settings, cache_of(build), budget).run()
    assert next(running).state == "complete"
    # From here on it is a second later each time that the clock is read.
    budget.clock = clock_of(iter(float(second) for second in range(57, 1000)))
    assert [each.state for each in running] == ["out of time"]


def test_a_job_that_fails_costs_its_trial_and_no_more(planted: Any, build: Any, cache_of: MakeCache) -> None:
    def fails_on_others(settings: Any, folder: Any, as_of: Any) -> None:
        if settings.recency_rank_power != planted.settings.recency_rank_power:
            raise NightjarError("cores")
        build(settings, folder, as_of)

    trials = list(Search(planted.settings, cache_of(fails_on_others), Budget(minutes=60, trials=12)).run())
    failed = [each for each in trials if each.state == "failed"]
    assert failed
    assert {each.reason for each in failed} == {"cores"}
    assert len(trials) == 13


def test_nothing_to_evaluate_is_bad_input(
    planted: Any, build: Any, cache_of: MakeCache, replace_features: Callable[..., None]
) -> None:
    def without_truth(settings: Any, folder: Any, as_of: Any) -> None:
        build(settings, folder, as_of)
        none = {"user_index": np.array([], int), "item_index": np.array([], int)}
        replace_features(folder, "holdout", none)

    with refused(BadInput, "nothing_to_evaluate"):
        list(Search(planted.settings, cache_of(without_truth), Budget(minutes=60)).run())


def test_of_equal_trials_the_first_wins() -> None:
    def trial(number: int, recall: float) -> Trial:
        values = np.array([recall])
        return Trial(
            number, {}, "complete", 1.0, Fitted(ListMetrics({"recall": values, "ndcg": values}, 0.1), 1, [recall])
        )

    assert winner([trial(0, 0.1), Trial(1, {}, "pruned", 1.0), trial(2, 0.3), trial(3, 0.3)]).number == 2
    assert winner([trial(0, 0.3), trial(1, 0.3)]).number == 0
