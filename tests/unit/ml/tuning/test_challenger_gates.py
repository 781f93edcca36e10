import numpy as np
import pytest

from ml.tuning.challenger_gates import gate_challenger, verdict_and_reason
from ml.tuning.trial_fit import ListMetrics
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import UNTUNED, TunedConfiguration
from tests.support.golden import check_wording

CHALLENGER = TunedConfiguration("2026-03-01.1", {"epochs": 12})
USERS = 200


def metrics_of(recall: float, coverage: float = 0.5) -> ListMetrics:
    """Half of the users a tenth above the mean, half below."""
    values = np.full(USERS, recall) + np.where(np.arange(USERS) % 2, 0.1, -0.1)
    return ListMetrics({"recall": values, "ndcg": values}, coverage)


def decide(challenger: ListMetrics, in_force: ListMetrics, popularity: ListMetrics) -> dict[str, str]:
    figures = {"challenger": challenger, "in_force": in_force, "popularity": popularity}
    return {each.gate: each.verdict for each in gate_challenger(figures, CHALLENGER, UNTUNED, Settings())}


def test_a_challenger_that_gains_passes_every_gate_of_a_run() -> None:
    verdicts = decide(metrics_of(0.31), metrics_of(0.3), metrics_of(0.2))
    assert verdicts == {
        "popularity": "passed",
        "champion": "passed",
        # A challenger was never published, so it has no record of its own.
        "champion_record": "skipped",
        "coverage": "passed",
        "gain": "passed",
    }


def test_one_that_a_run_would_let_pass_without_a_gain_is_refused() -> None:
    assert decide(metrics_of(0.299), metrics_of(0.3), metrics_of(0.2))["gain"] == "refused"
    assert decide(metrics_of(0.3), metrics_of(0.3), metrics_of(0.2))["gain"] == "refused"
    assert decide(metrics_of(0.299), metrics_of(0.3), metrics_of(0.2))["champion"] == "passed"


def test_a_gain_that_may_be_luck_is_refused() -> None:
    # One user in two hundred gains 0.8, the others nothing: the mean is 0.004 and a resample has no such user in more
    # than a third of all cases.
    lucky = metrics_of(0.3)
    lucky.of_users["recall"][0] += 0.8
    assert decide(lucky, metrics_of(0.3), metrics_of(0.2))["gain"] == "refused"


def test_one_that_shows_far_fewer_items_is_refused_for_its_coverage() -> None:
    # A fifth of the coverage may go: 0.4 of 0.5.
    assert decide(metrics_of(0.35, coverage=0.39), metrics_of(0.3), metrics_of(0.2))["coverage"] == "refused"
    assert decide(metrics_of(0.35, coverage=0.41), metrics_of(0.3), metrics_of(0.2))["coverage"] == "passed"


def test_one_behind_popularity_is_refused() -> None:
    assert decide(metrics_of(0.31), metrics_of(0.3), metrics_of(0.5))["popularity"] == "refused"


@pytest.mark.parametrize(("recall", "verdict"), [(0.31, "passed"), (0.29, "refused")])
def test_the_words_give_figures_and_names(recall: float, verdict: str) -> None:
    figures = {"challenger": metrics_of(recall), "in_force": metrics_of(0.3), "popularity": metrics_of(0.2)}
    in_force = TunedConfiguration("2026-02-01.1", {"epochs": 9})
    decisions = gate_challenger(figures, CHALLENGER, in_force, Settings())
    gain = next(each for each in decisions if each.gate == "gain")
    assert (gain.measured, gain.threshold) == (pytest.approx(recall), pytest.approx(0.3))
    # Each user differs by the same.
    assert (gain.lead_low, gain.lead_high) == (pytest.approx(recall - 0.3), pytest.approx(recall - 0.3))
    verdict_found, reason = verdict_and_reason(decisions)
    assert verdict_found == verdict
    for figure in (f"{recall:.4f}", "0.3000", f"{recall - 0.3:+.4f}", in_force.name):
        assert figure in reason
    check_wording(reason)
