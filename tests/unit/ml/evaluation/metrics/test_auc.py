import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.evaluation.metrics.auc import auc


def test_auc_counts_the_pairs_that_are_in_order() -> None:
    # Truth scores 5 and 2 against 4, 3, 1: 5 beats three, 2 beats one, 4 of 6 pairs.
    scores = np.array([[5.0, 4.0, 3.0, 2.0, 1.0]])
    truth = np.array([[True, False, False, True, False]])
    assert auc(scores, truth, np.ones_like(truth)) == pytest.approx([4 / 6])


def test_a_tie_counts_half() -> None:
    scores = np.array([[1.0, 1.0, 0.0]])
    truth = np.array([[True, False, False]])
    assert auc(scores, truth, np.ones_like(truth)) == pytest.approx([1.5 / 2])


def test_items_that_do_not_compete_change_nothing() -> None:
    scores = np.array([[9.0, 2.0, 1.0, 0.5]])
    truth = np.array([[False, True, False, False]])
    candidates = np.array([[False, True, True, False]])
    assert auc(scores, truth, candidates) == pytest.approx([1.0])


def test_no_truth_or_only_truth_is_nan() -> None:
    scores = np.zeros((2, 2))
    truth = np.array([[False, False], [True, True]])
    assert np.isnan(auc(scores, truth, np.ones_like(truth))).all()


@given(
    arrays(np.float32, 8, elements=st.sampled_from(np.float32([0, 1, 2, 3]))),
    arrays(np.bool_, 8),
)
def test_auc_and_the_auc_of_the_reversed_ranking_sum_to_one(scores: np.ndarray, truth: np.ndarray) -> None:
    everything = np.ones((1, 8), dtype=bool)
    forward = auc(scores[None, :], truth[None, :], everything)[0]
    backward = auc(-scores[None, :], truth[None, :], everything)[0]
    if 0 < truth.sum() < 8:
        assert 0 <= forward <= 1
        assert forward + backward == pytest.approx(1.0)
    else:
        assert np.isnan(forward)
