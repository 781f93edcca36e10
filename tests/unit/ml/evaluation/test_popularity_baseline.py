"""The popularity that a model has to beat, with one recommendation for each of two users."""

import numpy as np
import pytest

from ml.data.training_data import Popularity, TrainingData
from ml.evaluation.holdout_slices import holdout_slices
from ml.evaluation.popularity_baseline import best_popularity
from ml.evaluation.slice_lists import Evaluated
from tests.support.small_rankers import lists_of, matrix
from tests.support.small_training_data import training_data

# Of items 0 to 4 item 0 has the most users, 1 leads what is published, 2 and 3 what is taken now, 4 is in no list.
TRAIN = matrix([[1, 0, 0, 0, 0], [1, 1, 0, 0, 1], [1, 0, 1, 1, 1], [0] * 5, [0] * 5])
PUBLISHED = lists_of(("all", "d", [1, 0, 3, 2], [9, 4, 2, 1]), ("young", "d", [3], [1]))
NEWEST = {1.0: np.array([0, 1, 5, 4, 9], np.float32), 4.0: np.array([0, 1, 4, 5, 9], np.float32)}


def data_of(truth: list[int]) -> TrainingData:
    """Return data whose users 3 and 4, who have nothing, take one item each."""
    holdout = np.zeros((5, 5), np.float32)
    for user, item in zip((3, 4), truth, strict=False):
        holdout[user, item] = 1
    return training_data(
        TRAIN,
        holdout=matrix(holdout.tolist()),
        train_popularity=Popularity(PUBLISHED, NEWEST),
        segments=np.array([None, None, None, "young", "young"], object),
    )


@pytest.mark.parametrize(
    ("truth", "counts", "first"),
    [
        ([1, 1], "as published", 1),
        ([0, 0], "of all times", 0),
        ([2, 2], "half-life 1 days", 2),
        ([3, 3], "half-life 4 days", 3),
        # Of equal ones the one that publications fill lists up by, also where nobody judges.
        ([1, 0], "as published", 1),
        ([3, 2], "half-life 1 days", 2),
        ([], "as published", 1),
    ],
)
def test_the_popularity_with_the_best_recall_is_the_baseline(truth: list[int], counts: str, first: int) -> None:
    data = data_of(truth)
    everybody = holdout_slices(data.train, data.holdout, data.is_available, seed=1)[0]
    found, ranker = best_popularity(data.train_part, everybody, Evaluated.of(data), 1)
    assert found == counts
    # The same for all users, whatever their segment.
    [lists] = ranker.lists(np.array([3, 4]), data.left_out, 1)
    assert lists.items.tolist() == [[first], [first]]


def test_only_listed_items_are_ranked_and_equal_ones_by_index() -> None:
    data = data_of([0, 0])
    everybody = holdout_slices(data.train, data.holdout, data.is_available, seed=1)[0]
    _, ranker = best_popularity(data.train_part, everybody, Evaluated.of(data), 1)
    [lists] = ranker.lists(np.array([3]), data.left_out, 5)
    # Items 1, 2 and 3 have one user each; item 4, which has two, is in no list.
    assert lists.items.tolist() == [[0, 1, 2, 3, -1]]
    assert lists.scores[0, :4].tolist() == [3, 1, 1, 1]
