import pytest

from ml.evaluation import Metric
from ml.gate import Champion, judge_index, judge_model, refuse_if_any
from warehouse.errors import GateRefused
from warehouse.gate_decisions import GateDecision
from warehouse.settings import Settings

SETTINGS = Settings(metric_k=10, gate_popularity_margin=1.2, gate_champion_tolerance=0.1, index_recall_floor=0.95)


def recalls(model: float, popularity: float, users: int = 50) -> list[Metric]:
    others = [Metric("nightjar", "warm", "recall", 10, 0.9, users), Metric("nightjar", "all", "ndcg", 10, 0.9, users)]
    return [
        *others,
        Metric("nightjar", "all", "recall", 10, model, users),
        Metric("popularity", "all", "recall", 10, popularity, users),
    ]


def verdicts(decisions: list[GateDecision]) -> dict[str, str]:
    return {decision.gate: decision.verdict for decision in decisions}


@pytest.mark.parametrize(("model", "verdict"), [(0.25, "passed"), (0.24, "passed"), (0.239, "refused")])
def test_the_model_must_reach_the_margin_over_popularity(model: float, verdict: str) -> None:
    decision = judge_model(recalls(model, 0.2), None, SETTINGS)[0]
    assert (decision.gate, decision.verdict) == ("popularity", verdict)
    assert decision.measured == model
    assert decision.threshold == pytest.approx(0.24)


@pytest.mark.parametrize(("model", "verdict"), [(0.37, "passed"), (0.35, "refused")])
def test_the_model_may_lose_the_tolerance_to_the_champion(model: float, verdict: str) -> None:
    # Nine tenths of 0.4 are 0.36.
    decisions = judge_model(recalls(model, 0.1), Champion("2026-02-28.1", 0.4), SETTINGS)
    assert verdicts(decisions) == {"popularity": "passed", "champion": verdict}
    assert "2026-02-28.1" in decisions[1].reason


def test_without_champion_its_gate_is_skipped() -> None:
    assert verdicts(judge_model(recalls(0.3, 0.1), None, SETTINGS))["champion"] == "skipped"


def test_without_holdout_both_gates_are_skipped_and_say_so() -> None:
    nan = float("nan")
    decisions = judge_model(recalls(nan, nan, users=0), Champion("p", 0.4), SETTINGS)
    assert verdicts(decisions) == {"popularity": "skipped", "champion": "skipped"}
    assert "holdout" in decisions[0].reason


def test_what_could_not_be_measured_is_refused_and_stored_as_nothing() -> None:
    decision = judge_model(recalls(float("nan"), 0.1), None, SETTINGS)[0]
    assert (decision.verdict, decision.measured) == ("refused", None)


@pytest.mark.parametrize(("recall", "verdict"), [(0.95, "passed"), (0.9499, "refused"), (None, "skipped")])
def test_an_index_must_reach_the_floor(recall: float | None, verdict: str) -> None:
    decision = judge_index("retrieval", recall, SETTINGS)
    assert (decision.gate, decision.verdict) == ("retrieval_recall", verdict)


def test_a_refusal_names_every_gate_that_refused_with_its_figures() -> None:
    decisions = [
        *judge_model(recalls(0.1, 0.2), Champion("2026-02-28.1", 0.1), SETTINGS),
        judge_index("similarity", 0.5, SETTINGS),
    ]
    with pytest.raises(GateRefused) as refusal:
        refuse_if_any(decisions)
    message = str(refusal.value)
    assert "popularity (recall@10 0.1000 against 1.2 x popularity's 0.2000)" in message
    assert "similarity_recall" in message
    assert "champion" not in message


def test_nothing_refused_lets_the_night_go_on() -> None:
    refuse_if_any(judge_model(recalls(0.3, 0.2), None, SETTINGS))
