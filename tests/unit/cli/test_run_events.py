"""The lines that the operator sees of a run's events, and the run's failure."""

from datetime import UTC, datetime
from typing import Any

from nightjar.cli.run_events import Failure, RunEvents
from nightjar.contract.task_events import FAILED, PROGRESS, RUNNING, SKIPPED, SUCCESS, UP_FOR_RETRY, TaskEvent


def read(*events: tuple[str, str, dict[str, Any]]) -> tuple[RunEvents, list[str]]:
    """Read events of (task, state, values); return the state of the run and the lines shown."""
    follower = RunEvents()
    shown = [follower.read(TaskEvent(task, state, 1, **values)) for task, state, values in events]
    return follower, [line for line in shown if line is not None]


def test_progress_lines_are_shown_and_changes_of_state_are_not() -> None:
    follower, shown = read(
        ("unload", RUNNING, {}),
        ("unload", PROGRESS, {"line": "unload: 5 rows in 0.2 s"}),
        ("unload", SUCCESS, {"result": "5"}),
        ("marts", SKIPPED, {}),
    )
    assert shown == ["unload: 5 rows in 0.2 s"]
    assert follower == RunEvents("", None)


def test_the_publication_is_the_result_of_begin() -> None:
    follower, _ = read(("begin", SUCCESS, {"result": "2026-03-31.2"}), ("unload", SUCCESS, {"result": "x"}))
    assert follower.publication_id == "2026-03-31.2"


def test_the_reason_of_a_failed_run_is_that_of_the_first_failed_task() -> None:
    follower, _ = read(
        ("gate_model", FAILED, {"exit_code": 3, "code": "gate_refused", "reason": "first"}),
        ("report", FAILED, {"exit_code": 1, "reason": "second"}),
    )
    assert follower.failure == Failure(3, "first", "gate_refused")


def test_a_failure_that_a_retry_mends_is_shown_and_does_not_fail_the_run() -> None:
    follower, [shown] = read(
        ("publish", UP_FOR_RETRY, {"exit_code": 1, "code": "warehouse_busy", "reason": "busy for 120 s"}),
        ("publish", SUCCESS, {}),
    )
    assert shown.startswith("publish: ")
    assert shown.endswith("busy for 120 s")
    assert follower.failure is None


def test_a_failure_without_an_exit_code_counts_as_one_that_may_be_retried() -> None:
    follower, _ = read(("", FAILED, {"reason": "no DAG"}))
    assert follower.failure == Failure(1, "no DAG")


def test_an_event_is_the_same_after_its_line_of_json() -> None:
    at = datetime(2026, 4, 1, 1, 2, 3, tzinfo=UTC)
    event = TaskEvent("score_users", FAILED, 2, at, exit_code=-9, code="killed", reason='a "line"\nof two, für alle')
    line = event.to_json()
    assert "\n" not in line
    assert TaskEvent.from_json(line) == event
