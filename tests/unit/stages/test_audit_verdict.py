import re

from nightjar.contract.gates import GateDecision
from nightjar.stages.audit import judge
from nightjar.warehouse.dbt_failures import NodeResult
from tests.support.golden import check_wording


def result(name: str, status: str, failures: int = 0, message: str = "") -> NodeResult:
    return NodeResult(name, status, failures, message)


def test_a_night_whose_tests_all_pass_passes() -> None:
    decision = judge("outputs", [result("a", "pass"), result("b", "pass"), result("seed", "success")])
    assert decision == GateDecision("outputs", "passed", decision.reason, 0.0, 0.0)
    assert re.findall(r"\d+", decision.reason) == ["3"]
    check_wording(decision.reason)


def test_a_warning_passes_and_is_named() -> None:
    decision = judge("inputs", [result("a", "pass"), result("late_events", "warn", 4, "m")])
    assert decision == GateDecision("inputs", "passed", decision.reason, 0.0, 0.0)
    assert re.findall(r"\d+", decision.reason) == ["2", "4"]
    assert "late_events" in decision.reason
    check_wording(decision.reason)


def test_a_failed_test_refuses_and_is_named_with_its_rows() -> None:
    decision = judge("outputs", [result("a", "pass"), result("full_lists", "fail", 7, "m")])
    reason = "full_lists (7 rows: m)"
    assert decision == GateDecision("outputs", "refused", reason, 1.0, 0.0)


def test_a_failed_test_is_named_with_the_first_rows_that_broke_it() -> None:
    rows = ("user_id=u7", "user_id=u8")
    failed = NodeResult("full_lists", "fail", 7, "m", "test", "select 1", rows)
    assert judge("outputs", [failed]).reason == f"full_lists (7 rows: {rows[0]} | {rows[1]}, ...)"


def test_a_test_that_could_not_run_refuses() -> None:
    for status in ("error", "skipped", "runtime error", "partial success"):
        assert judge("inputs", [result("a", "pass"), result("b", status)]).verdict == "refused", status


def test_no_test_at_all_refuses() -> None:
    decision = judge("inputs", [])
    assert decision == GateDecision("inputs", "refused", decision.reason, 0.0, 0.0)
    check_wording(decision.reason)


def test_a_refusal_counts_all_failed_tests_and_names_the_first_five() -> None:
    decision = judge("outputs", [result(f"t{number}", "fail", 1, "m") for number in range(8)])
    assert decision.measured == 8.0
    assert decision.reason == "; ".join(f"t{number} (1 rows: m)" for number in range(5))
