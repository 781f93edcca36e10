import pytest

from ml.gates.index_gate import at_least, judge_index, refuse_if_any
from nightjar.contract.errors import GateRefused
from nightjar.contract.settings import Settings
from tests.support.refusals import refused

SETTINGS = Settings(metric_k=10, index_recall_floor=0.95)


@pytest.mark.parametrize(("recall", "verdict"), [(0.95, "passed"), (0.9499, "refused"), (None, "skipped")])
def test_an_index_must_reach_the_floor(recall: float | None, verdict: str) -> None:
    decision = judge_index("retrieval", recall, SETTINGS)
    assert (decision.gate, decision.verdict) == ("retrieval_recall", verdict)
    assert decision.metric == (None if recall is None else "recall@10")


def test_what_could_not_be_measured_is_refused_and_stored_as_nothing() -> None:
    decision = at_least("coverage", "coverage@10", float("nan"), 0.1, "none")
    assert (decision.verdict, decision.measured) == ("refused", None)


def test_a_refusal_names_every_gate_that_refused_with_its_figures() -> None:
    decisions = [
        at_least("coverage", "coverage@10", 0.1, 0.2, "0.1 is below 0.2"),
        at_least("champion_record", "recall@10", 0.3, 0.2, "fine"),
        judge_index("similarity", 0.5, SETTINGS),
    ]
    verdicts = {"coverage": "refused", "similarity_recall": "refused"}
    with refused(GateRefused, "gate_refused", gate="coverage", verdicts=verdicts) as refusal:
        refuse_if_any(decisions)
    assert decisions[0].reason in str(refusal.value)


def test_nothing_refused_lets_the_night_go_on() -> None:
    refuse_if_any([judge_index("similarity", 0.99, SETTINGS), judge_index("retrieval", None, SETTINGS)])
