from typing import Any

import numpy as np
import pytest

from ml.evaluation.champion import Champion
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.gates.model_gate import judge_model
from nightjar.contract.gates import GateDecision, gates_of
from nightjar.contract.settings import Settings
from tests.support.golden import check_wording

SETTINGS = Settings(
    metric_k=10,
    gate_popularity_margin=1.2,
    gate_champion_tolerance=0.0,
    gate_record_tolerance=0.1,
    gate_coverage_tolerance=0.2,
    gate_coverage_floor=0.0,
)
CHAMPION = Champion("2026-02-28.1", "a run", 0.4)
OTHER_RECIPE = ComparedChampion(CHAMPION, changed_configuration=["NIGHTJAR_EPOCHS 20, now 30"])


def contest(
    model: Any,
    popularity: Any = 0.1,
    champion: Any = None,
    compared_champion: ComparedChampion | None = None,
    users: int = 50,
) -> EvaluationResults:
    """Every user has the same recall, or each the one given; NDCG is the same unless told by a pair of them."""
    values = {"nightjar": model, "popularity": popularity} | ({} if champion is None else {"champion": champion})
    of_users = {}
    for name, value in values.items():
        recall, ndcg = value if isinstance(value, tuple) else (value, value)
        of_users[name] = {
            "recall": np.full(users, recall, dtype=float),
            "ndcg": np.full(users, ndcg, dtype=float),
        }
    return EvaluationResults(of_users, dict.fromkeys(values, 0.5), compared_champion)


def decision(contest: EvaluationResults, gate: str, settings: Settings = SETTINGS) -> GateDecision:
    return next(each for each in judge_model(contest, settings) if each.gate == gate)


@pytest.mark.parametrize(("model", "verdict"), [(0.25, "passed"), (0.2401, "passed"), (0.239, "refused")])
def test_without_any_spread_the_model_must_reach_the_margin_over_popularity(model: float, verdict: str) -> None:
    found = decision(contest(model, 0.2), "popularity")
    assert (found.verdict, found.metric) == (verdict, "recall@10")
    assert found.measured == pytest.approx(model)
    assert found.threshold == pytest.approx(0.24)
    assert found.lead_low == pytest.approx(model - 0.24)
    assert found.lead_high == pytest.approx(model - 0.24)


def test_a_lead_that_may_be_chance_is_not_refused() -> None:
    # Half of the users lose 0.3, half gain 0.2: a mean of -0.05 with a standard error of 0.25 / sqrt(50) = 0.035.
    mixed = np.tile([0.1, 0.6], 25)
    found = decision(contest(mixed, 0.1, champion=0.4, compared_champion=OTHER_RECIPE), "champion")
    assert found.verdict == "passed"
    assert found.lead_low == pytest.approx(-0.05 - 2 * 0.035, abs=0.015)
    assert found.lead_high == pytest.approx(-0.05 + 2 * 0.035, abs=0.015)


def test_the_same_difference_is_sure_where_pairing_takes_the_spread_away() -> None:
    # Users differ by 0.5 among each other, but every one of them loses 0.05.
    mixed = np.tile([0.1, 0.6], 25)
    found = decision(contest(mixed, 0.1, champion=mixed + 0.05, compared_champion=OTHER_RECIPE), "champion")
    assert found.verdict == "refused"
    assert found.lead_high == pytest.approx(-0.05)
    assert "2026-02-28.1" in found.reason
    assert OTHER_RECIPE.changed_configuration[0] in found.reason


@pytest.mark.parametrize(("tolerance", "verdict"), [(0.1, "refused"), (0.13, "passed")])
def test_the_champions_recipe_may_be_ahead_by_the_tolerance(tolerance: float, verdict: str) -> None:
    # 0.35 is 12.5 % less than 0.4.
    settings = SETTINGS.model_copy(update={"gate_champion_tolerance": tolerance})
    found = decision(contest(0.35, champion=0.4, compared_champion=OTHER_RECIPE), "champion", settings)
    assert found.verdict == verdict
    assert found.threshold == pytest.approx((1 - tolerance) * 0.4)


def test_a_model_behind_in_ndcg_alone_is_refused_and_the_row_shows_that_metric() -> None:
    found = decision(contest((0.4, 0.3), champion=(0.4, 0.35), compared_champion=OTHER_RECIPE), "champion")
    assert (found.verdict, found.metric) == ("refused", "ndcg@10")
    assert (found.measured, found.threshold) == (pytest.approx(0.3), pytest.approx(0.35))


def test_the_same_recipe_has_nothing_to_beat_but_its_record() -> None:
    again = contest(
        0.35,
        compared_champion=ComparedChampion(CHAMPION, changed_features=["NIGHTJAR_RECENCY_RANK_POWER 2.0, now 0.0"]),
    )
    found = decision(again, "champion")
    assert (found.verdict, found.measured) == ("passed", None)
    assert "NIGHTJAR_RECENCY_RANK_POWER" in found.reason
    # Nine tenths of the recorded 0.4 are 0.36.
    assert decision(again, "champion_record").verdict == "refused"
    assert decision(contest(0.37, compared_champion=ComparedChampion(CHAMPION)), "champion_record").verdict == "passed"


@pytest.mark.parametrize(
    ("opponent", "names"),
    [
        (None, []),
        (ComparedChampion(Champion("p", "r", None)), ["p", "recall@10"]),
        (
            ComparedChampion(CHAMPION, changed_protocol=["NIGHTJAR_HOLDOUT_FRACTION 0.2, now 0.3"]),
            [CHAMPION.publication_id, "NIGHTJAR_HOLDOUT_FRACTION"],
        ),
    ],
    ids=["no champion", "no record", "another holdout"],
)
def test_a_record_of_another_question_is_no_comparison(opponent: ComparedChampion | None, names: list[str]) -> None:
    found = decision(contest(0.1, compared_champion=opponent), "champion_record")
    assert found.verdict == "skipped"
    assert all(name in found.reason for name in names)
    check_wording(found.reason)


def test_a_champion_whose_recipe_cannot_be_tried_is_skipped_and_its_record_still_counts() -> None:
    stuck = contest(0.2, compared_champion=ComparedChampion(CHAMPION, obstacle="NIGHTJAR_LEARNING_RATE"))
    assert decision(stuck, "champion").verdict == "skipped"
    assert "NIGHTJAR_LEARNING_RATE" in decision(stuck, "champion").reason
    assert decision(stuck, "champion_record").verdict == "refused"


@pytest.mark.parametrize(
    ("ours", "theirs", "floor", "verdict", "threshold"),
    [
        (0.41, 0.5, 0.0, "passed", 0.4),
        (0.39, 0.5, 0.0, "refused", 0.4),
        (0.41, 0.5, 0.45, "refused", 0.45),
        (0.41, None, 0.3, "passed", 0.3),
        (0.29, None, 0.3, "refused", 0.3),
        (0.01, None, 0.0, "skipped", None),
    ],
)
def test_coverage_must_reach_the_floor_and_most_of_the_champions(
    ours: float, theirs: float | None, floor: float, verdict: str, threshold: float | None
) -> None:
    of_users = contest(0.4, champion=0.4).of_users
    coverage = {"nightjar": ours, "popularity": 0.1} | ({} if theirs is None else {"champion": theirs})
    settings = SETTINGS.model_copy(update={"gate_coverage_floor": floor})
    found = decision(EvaluationResults(of_users, coverage, OTHER_RECIPE), "coverage", settings)
    assert (found.verdict, found.measured) == (verdict, ours)
    assert found.threshold == (None if threshold is None else pytest.approx(threshold))


@pytest.mark.parametrize("users", [0, 1, 4])
def test_with_fewer_than_five_users_every_gate_is_skipped_and_says_so(users: int) -> None:
    decisions = judge_model(contest(0.1, 0.9, champion=0.9, compared_champion=OTHER_RECIPE, users=users), SETTINGS)
    assert [(each.gate, each.verdict) for each in decisions] == [(gate, "skipped") for gate in gates_of("model")]
    assert len({each.reason for each in decisions}) == 1
    check_wording(decisions[0].reason)


def test_what_could_not_be_measured_is_refused_and_stored_as_nothing() -> None:
    found = decision(contest(float("nan")), "popularity")
    assert (found.verdict, found.measured, found.lead_high) == ("refused", None, None)
