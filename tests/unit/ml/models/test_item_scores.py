"""Sources of one score an item: popular and trending."""

import numpy as np

from ml.data.training_data import Popularity
from ml.models.popular import Popular
from ml.models.trending import Trending
from nightjar.contract.artifacts.sources import WARM
from nightjar.contract.settings import Settings
from tests.support.small_rankers import lists_of, matrix
from tests.support.small_training_data import training_data

LISTS = lists_of(("all", "a", [2, 0], [3.5, 1.5]), ("all", "b", [3], [2]), ("even", "a", [0], [9]))
NOTHING = np.zeros(4, np.float32)
DATA = training_data(
    matrix([[1, 0, 1, 0]]),
    full=matrix([[1, 1, 1, 1]]),
    domains=list("abab"),
    train_popularity=Popularity(LISTS, {14.0: np.array([0, 0, 4, 0], np.float32), 1.0: NOTHING}),
    full_popularity=Popularity(lists_of(("all", "a", [0], [7])), {14.0: np.array([8, 0, 0, 0], np.float32)}),
)


def test_popular_are_the_scores_of_the_lists_of_all_users() -> None:
    # Item 1 is in no list; the segment's list does not count.
    assert Popular().fit(DATA.train_part, Settings()).scores.tolist() == [1.5, 0, 3.5, 2]
    assert Popular().fit(DATA.full_part, Settings()).scores.tolist() == [7, 0, 0, 0]


def test_trending_is_what_was_summed_up_for_the_part() -> None:
    assert Trending(14.0).fit(DATA.train_part, Settings()).scores.tolist() == [0, 0, 4, 0]
    assert Trending(1.0).fit(DATA.train_part, Settings()).scores.tolist() == [0, 0, 0, 0]
    assert Trending(14.0).fit(DATA.full_part, Settings()).scores.tolist() == [8, 0, 0, 0]


def test_each_half_life_is_a_model_with_its_days_in_its_name() -> None:
    assert [Trending(days).name for days in (14.0, 0.5)] == ["trending_14_days", "trending_0.5_days"]


def test_they_are_evaluated_but_rank_nothing() -> None:
    assert [(each.weight(Settings()), each.items) for each in (Popular(), Trending(14.0))] == [(0, WARM)] * 2
