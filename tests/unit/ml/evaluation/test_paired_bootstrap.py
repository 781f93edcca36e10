import numpy as np
import pytest

from ml.evaluation import paired_bootstrap
from ml.evaluation.paired_bootstrap import mean_intervals


def test_the_interval_of_a_mean_is_its_standard_error_to_both_sides() -> None:
    # Standard deviation 1, 400 users: 1.96 / 20 = 0.098.
    values = np.tile([-1.0, 1.0], 200)[:, None]
    low, high = mean_intervals(values, 0.95, seed=1)[0]
    assert low == pytest.approx(-0.098, abs=0.01)
    assert high == pytest.approx(0.098, abs=0.01)


def test_more_confidence_gives_a_wider_interval() -> None:
    values = np.random.default_rng(3).normal(size=(200, 1))
    narrow, wide = (mean_intervals(values, confidence, seed=1)[0] for confidence in (0.8, 0.99))
    assert wide[0] < narrow[0] < values.mean() < narrow[1] < wide[1]


def test_users_are_drawn_whole_so_columns_that_move_together_have_the_same_interval() -> None:
    values = np.random.default_rng(3).normal(size=(50, 1))
    first, second, opposite = mean_intervals(np.hstack([values, values + 5, -values]), 0.9, seed=1)
    assert second == pytest.approx(first + 5)
    assert opposite == pytest.approx(-first[::-1])


def test_blocks_and_runs_do_not_change_the_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=(50, 2))
    whole = mean_intervals(values, 0.95, seed=7)
    monkeypatch.setattr(paired_bootstrap, "_BLOCK_CELLS", 350)
    assert mean_intervals(values, 0.95, seed=7).tolist() == whole.tolist()
    assert mean_intervals(values, 0.95, seed=8).tolist() != whole.tolist()


def test_one_user_or_none_gives_an_infinite_interval() -> None:
    for users in (0, 1):
        assert mean_intervals(np.zeros((users, 2)), 0.95, seed=1).tolist() == [[-np.inf, np.inf]] * 2


def test_few_users_get_the_wider_interval_of_the_t_distribution() -> None:
    # Three of four users lose, one does not: 2.5 % of the plain resamples lie below the plain percentile, but the
    # t distribution with 3 degrees of freedom reaches to the 0.01 % point, where all four draws are that user.
    values = np.array([[-1.0], [-1.0], [-1.0], [0.0]])
    assert mean_intervals(values, 0.95, seed=1)[0].tolist() == [-1.0, 0.0]
