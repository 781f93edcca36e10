"""The choice of the weights of cold items, with one recommendation per user."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.evaluation.cold_item_weights import ColdItemWeights, choose
from ml.evaluation.holdout_slices import holdout_slices, slice_named
from ml.models.candidate import Candidate
from ml.models.lightfm import Factors
from ml.models.trained_embeddings import FittedFactors
from nightjar.contract.artifacts.sources import HistoryRule, ItemWeights
from nightjar.contract.settings import Settings
from tests.support.golden import check_wording
from tests.support.small_rankers import matrix

SETTINGS = Settings(metric_k=1, cold_item_lambda=0.01, cold_item_share=0.0)


@pytest.fixture(autouse=True)
def few_users_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.evaluation.cold_item_weights.MIN_USERS", 1)


def two_tags() -> TrainingData:
    """Items 0 and 2 carry a, 1 and 3 b; u and w have 0, v has 1; of the cold items u and w consume 2."""
    train = matrix([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]])
    return TrainingData(
        user_ids=np.array(["u", "v", "w"], object),
        item_ids=np.array(["0", "1", "2", "3"], object),
        item_domains=np.full(4, "d", object),
        is_available=np.ones(4, np.bool_),
        full=train,
        train=train,
        holdout=matrix([[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]),
        fold_in_recency=matrix([[0] * 4] * 3),
        user_features=sparse.identity(3, np.float32, "csr"),
        item_features=matrix([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]]),
        user_feature_names=np.array(["id:u", "id:v", "id:w"], object),
        item_feature_names=np.array(["id:0", "id:1", "tag:a", "tag:b"], object),
    )


def chosen(
    settings: Settings, of_features: list[float], weights: ItemWeights | None = None, data: TrainingData | None = None
) -> ColdItemWeights:
    """Choose with one dimension, in which u and w stand at 1 and v at -1."""
    data = data or two_tags()
    users = Factors(np.array([[1], [-1], [1]], np.float32), np.zeros(3, np.float32))
    items = Factors(np.array(of_features, np.float32)[:, None], np.zeros(len(of_features), np.float32))
    slices = holdout_slices(data.train, data.holdout, data.is_available, settings.seed)
    factors = FittedFactors(data, data.train, users, items, settings.cold_item_lambda)
    fitted = {} if weights is None else {"content": weights}
    return choose(Candidate(data.train_part, settings, factors, fitted), slice_named(slices, "cold_item"))


def test_the_regression_is_chosen_alone_where_the_sum_of_the_features_misleads() -> None:
    # Identities outweigh the tags: items 0 and 1 stand at 1 and -1, but 2 and 3 by their tags at -1 and 1. The
    # regression puts them at 1/1.01 and -1/1.01, which the mean of both does not turn.
    found = chosen(SETTINGS, [2, -2, -1, 1])
    assert (found.regression_weight, found.blend_weight) == (1.0, 0.0)
    assert re.findall(r"[+-]?\d[.]\d{4}", found.reason) == ["1.0000", "0.0000", "+1.0000", "+1.0000"]
    check_wording(found.reason)


def test_the_sum_of_the_features_is_chosen_alone_where_the_regression_misleads() -> None:
    # The other way round: items 0 and 1 stand at -1 and 1, but 2 and 3 by their tags at 3 and -3.
    found = chosen(SETTINGS.model_copy(update={"cold_item_regression_share": 1.0}), [-4, 4, 3, -3])
    assert (found.regression_weight, found.blend_weight) == (0.0, 0.0)


def test_a_difference_that_is_not_significant_changes_nothing() -> None:
    # The regression finds what u turns to, the mean of both what w does: ahead with one, behind with the other.
    data = two_tags()
    apart = replace(data, holdout=matrix([[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]))
    found = chosen(SETTINGS, [2, -2, -1, 1], data=apart)
    assert (found.regression_weight, found.blend_weight) == (0.5, 0.0)
    # Three more like u: recall of .8 against .2, but of five users between 0 and 1.2 ahead.
    more = np.array([0, 1, 2, 0, 0, 0])
    crowd = replace(
        apart,
        train=data.train[more],
        holdout=apart.holdout[more],
        user_ids=data.user_ids[more],
        user_features=data.user_features[more],
    )
    found = chosen(SETTINGS, [2, -2, -1, 1], data=crowd)
    assert (found.regression_weight, found.blend_weight) == (0.5, 0.0)
    assert re.findall(r"\d[.]\d{4}", found.reason)[:2] == ["0.8000", "0.2000"]
    check_wording(found.reason)


def test_of_equally_good_weights_those_of_the_settings_stay() -> None:
    settings = SETTINGS.model_copy(update={"cold_item_share": 0.7, "cold_item_regression_share": 0.3})
    for of_features in ([0, 0, 1, -1], [0, 0, -1, 1]):
        found = chosen(settings, of_features)
        assert (found.regression_weight, found.blend_weight) == (0.3, 0.7)


def test_the_least_blend_weight_is_chosen_that_ranks_the_truth_first() -> None:
    # A third cold item far away makes the difference of 2 to 3 small: 0.1 of a spread of 1.44. Item 0 has a weight
    # for 3 alone, 3/sqrt(2) spreads ahead: 0.9 * 0.1 / 1.44 < 0.1 * 3 / sqrt(2).
    data = two_tags()
    far = replace(
        data,
        item_ids=np.append(data.item_ids, "4"),
        item_domains=np.full(5, "d", object),
        is_available=np.ones(5, np.bool_),
        train=matrix([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]),
        holdout=matrix([[0, 0, 0, 1, 0], [0] * 5, [0, 0, 0, 1, 0]]),
        item_features=matrix([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 0, 0]]),
        item_feature_names=np.array(["tag:x", "tag:y", "tag:a", "tag:b"], object),
    )
    # Tags a and b are carried by no item with events: the regression does not distinguish 2 and 3, and 2 ranks first.
    of_features = [0, -3, 0.1, 0]
    weights = np.zeros((5, 5), np.float32)
    weights[0, [2, 3, 4]] = [1e-6, 1, 1e-6]
    speaks = ItemWeights(sparse.csr_matrix(weights), HistoryRule(4.0))
    sums_alone = SETTINGS.model_copy(update={"cold_item_regression_share": 0.0})
    found = chosen(sums_alone, of_features, speaks, far)
    assert (found.regression_weight, found.blend_weight) == (0.0, 0.1)


def test_nothing_is_chosen_with_fixed_weights_or_too_few_users(monkeypatch: pytest.MonkeyPatch) -> None:
    misleading = [2, -2, -1, 1]
    found = chosen(SETTINGS.model_copy(update={"cold_item_choice": "fixed"}), misleading)
    assert (found.regression_weight, found.blend_weight) == (0.5, 0.0)
    monkeypatch.setattr("ml.evaluation.cold_item_weights.MIN_USERS", 3)
    found = chosen(SETTINGS, misleading)
    assert (found.regression_weight, found.blend_weight) == (0.5, 0.0)
    assert re.findall(r"\d+", found.reason) == ["2", "3"]
    check_wording(found.reason)


def test_the_settings_with_chosen_weights_are_fixed() -> None:
    settings = ColdItemWeights(1.0, 0.4, "").in_settings(SETTINGS)
    assert (settings.cold_item_share, settings.cold_item_regression_share) == (0.4, 1.0)
    assert settings.cold_item_choice == "fixed"
