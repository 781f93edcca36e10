from pathlib import Path

import numpy as np

from ml.tuning.trade_off import draw_trade_off, pareto_front
from ml.tuning.trial_fit import Fitted, ListMetrics
from ml.tuning.trials import Trial


def trial(number: int, recall: float, coverage: float) -> Trial:
    judged = ListMetrics({"recall": np.array([recall]), "ndcg": np.array([recall])}, coverage)
    return Trial(number, {}, "complete", 1.0, Fitted(judged, 1, [recall]))


TRIALS = [
    trial(0, 0.20, 0.30),
    trial(1, 0.25, 0.20),
    Trial(2, {}, "pruned", 1.0),
    trial(3, 0.19, 0.30),
    trial(4, 0.25, 0.19),
    trial(5, 0.10, 0.60),
    trial(6, 0.20, 0.30),
    trial(7, 0.05, 0.50),
]


def numbers(trials: list[Trial]) -> list[int]:
    return [each.number for each in trials]


def test_on_the_front_is_what_no_other_beats_in_both() -> None:
    # 3 has less recall than 0 at its coverage, 4 less coverage than 1 at its recall, 7 less of both than 5; of the
    # equals 0 and 6 the earlier one stands for both.
    assert numbers(pareto_front(TRIALS)) == [5, 0, 1]
    assert numbers(pareto_front(TRIALS[::-1])) == [5, 0, 1]


def test_without_a_complete_trial_there_is_no_front() -> None:
    assert pareto_front([Trial(0, {}, "failed", 1.0)]) == []


def test_the_plot_is_a_png_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        draw_trade_off(TRIALS, TRIALS[1], 10, tmp_path / "plots" / name)
    one, two = ((tmp_path / "plots" / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    assert one.startswith(b"\x89PNG")
