"""Coverage, Gini, top share, novelty and popularity: values worked out by hand, and their bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.evaluation.metrics.average_popularity import average_popularity
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.gini import gini
from ml.evaluation.metrics.novelty import novelty
from ml.evaluation.metrics.top_share import top_share

exposure_lists = st.lists(st.integers(0, 50), min_size=1, max_size=30)


def test_coverage_counts_recommended_items_among_all_candidates() -> None:
    assert coverage(np.array([5, 0, 0, 1, 0])) == pytest.approx(0.4)


def test_gini_of_even_exposure_is_zero() -> None:
    assert gini(np.array([7, 7, 7])) == pytest.approx(0.0)


def test_gini_of_one_two_three_is_two_ninths() -> None:
    # Mean absolute difference over all 9 pairs is 8/9; Gini is half of it over the mean 2.
    assert gini(np.array([3, 1, 2])) == pytest.approx(8 / 9 / 2 / 2)


def test_gini_grows_with_items_that_are_recommended_to_nobody() -> None:
    assert gini(np.array([1, 1, 0, 0])) == pytest.approx(0.5)


def test_the_top_of_two_hundred_items_are_two_and_of_a_few_one() -> None:
    assert top_share(np.array([1] * 197 + [40, 60, 3])) == pytest.approx(100 / 300)
    assert top_share(np.array([1] * 101)) == pytest.approx(2 / 101)
    assert top_share(np.array([1, 3])) == pytest.approx(3 / 4)


def test_average_popularity_weighs_items_by_exposure() -> None:
    # Known to 4, 1 and 2 of 16 users, shown 2, 1 and 0 times.
    assert average_popularity(np.array([2, 1, 0]), np.array([4, 1, 2]), 16) == pytest.approx((2 * 4 + 1) / 16 / 3)


def test_without_recommendations_top_share_and_popularity_are_nan() -> None:
    nothing = np.array([0, 0])
    assert np.isnan(top_share(nothing))
    assert np.isnan(average_popularity(nothing, np.array([1, 2]), 2))
    assert np.isnan(average_popularity(np.array([1, 2]), nothing, 0))


def test_novelty_weighs_items_by_exposure() -> None:
    # Known to 4, 1 and 2 of 16 users: 2, 4 and 3 bits, shown 2, 1 and 0 times.
    assert novelty(np.array([2, 1, 0]), np.array([4, 1, 2]), 16) == pytest.approx((2 * 2 + 4) / 3)


def test_an_item_without_users_is_as_novel_as_one_with_one_user() -> None:
    assert novelty(np.array([1]), np.array([0]), 8) == pytest.approx(3.0)


def test_no_recommendation_at_all_is_nan() -> None:
    no_exposure = np.array([0, 0])
    assert np.isnan([coverage(no_exposure), gini(no_exposure), novelty(no_exposure, no_exposure, 5)]).all()
    assert np.isnan(coverage(np.array([], dtype=np.int64)))


@given(exposure_lists)
def test_coverage_and_gini_stay_within_their_bounds(exposures: list[int]) -> None:
    counts = np.array(exposures)
    if counts.sum() == 0:
        return
    assert 0 < coverage(counts) <= 1
    assert -1e-9 <= gini(counts) <= 1 - 1 / len(counts) + 1e-9


@given(exposure_lists, st.integers(2, 9))
def test_gini_does_not_change_when_all_exposures_are_multiplied(exposures: list[int], factor: int) -> None:
    counts = np.array(exposures)
    if counts.sum() > 0:
        assert gini(counts * factor) == pytest.approx(gini(counts))
