"""Records why a task failed after its last retry, and that an attempt resumes from there.

The task's own process writes the row of `recs.run_failures`. Where that process is gone, the listener of runs starts
another one for it, because a scheduler must not wait for a warehouse.
"""

import subprocess
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from nightjar.contract.environment import child_environment, inherited_runner
from nightjar.contract.progress import ERROR_LINE
from nightjar.contract.settings import load_settings
from nightjar.publishing.run_failures import (
    NIGHTLY,
    RunFailure,
    mark_resumed,
    outcome_of,
    reason_without_output,
    store_failure,
)

_BEGIN = "begin"


def is_error_line(last_line: str) -> bool:
    """Return whether the last line of a command is an error line."""
    return ERROR_LINE.match(last_line) is not None


def code_of(text: str) -> str:
    """Return the error's code from a command's error line; empty where there is none."""
    outcome_line = ERROR_LINE.search(text)
    return (outcome_line["code"] or "") if outcome_line else ""


def reason_of(task: str, exit_code: int, last_line: str) -> str:
    """Return why a command failed: the reason of its error line, or its signal or exit code with its last line."""
    if outcome_line := ERROR_LINE.match(last_line):
        return outcome_line["reason"]
    # A shell in between adds 128 to the signal.
    number = -exit_code if exit_code < 0 else exit_code - 128
    how = f"was killed by signal {number}" if number > 0 else f"ended with exit code {exit_code}"
    hint = " (out of memory, or somebody killed it)" if number == 9 else ""
    return f"{task} {how}{hint}; its last line was: {last_line or 'none'}"


def record_task_failure(context: Mapping[str, Any], task: str, exit_code: int, reason: str, *, is_final: bool) -> None:
    """Record a failure, unless the task is retried."""
    ti, run = context["ti"], context.get("dag_run")
    if run is None or not (is_final or ti.try_number > ti.max_tries):
        return
    store_failure(
        load_settings(),
        RunFailure(
            run_id=run.run_id,
            task=task,
            outcome=outcome_of(exit_code),
            reason=reason,
            exit_code=exit_code,
            publication_id=_publication(context, task),
            data_date=_data_date(run, _publication(context, task)),
            dag_id=run.dag_id,
        ),
    )


def resume_attempt(context: Mapping[str, Any], task: Any) -> None:
    """Mark the failures of this task, and of those up- and downstream of it, as resumed."""
    publication_id = _publication(context, task.task_id)
    if publication_id:
        related = {*task.get_flat_relative_ids(upstream=False), *task.get_flat_relative_ids(upstream=True)}
        mark_resumed(load_settings(), publication_id, sorted({task.task_id, *related}))


def record_unreported_failures(run: Any, publication_id: str | None, tasks: Sequence[Any]) -> None:
    """Start a process that records tasks which ended without an error line; it skips failures that are recorded.

    Args:
        run: of Airflow's database; read here, never changed.
        publication_id: of its attempt, if it has one.
        tasks: the instances of its tasks that failed.
    """
    # Without a scheduler, tasks and listener are one process, which `nightjar run` supervises.
    if not tasks or inherited_runner():
        return
    data_date = _data_date(run, publication_id)
    command = [
        *("nightjar", "stage", "write-down-failure", f"--dag-id={run.dag_id}", f"--run-id={run.run_id}"),
        *([f"--publication={publication_id}"] if publication_id else []),
        *([f"--data-date={data_date}"] if data_date else []),
        *(f"--task={task.task_id}@{task.start_date.isoformat()}" for task in tasks if task.start_date),
    ]
    process = subprocess.Popen(
        command,
        env=child_environment(load_settings()),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Without a wait, the ended process stays a zombie.
    threading.Thread(target=process.wait, daemon=True).start()


def failure_note(tasks: Iterable[Any], outcomes: Iterable[Any], read: Any) -> str | None:
    """Return the line of the task that failed first, for the run's note.

    Args:
        tasks: the instances of the run's tasks that failed.
        outcomes: the outcome lines of the run's tasks, as rows of Airflow's XCom table.
        read: returns the text of such a row.
    """
    by_task = {outcome.task_id: outcome for outcome in outcomes}
    for task in sorted(tasks, key=lambda each: str(each.end_date)):
        outcome_line = by_task.get(task.task_id)
        if outcome_line is not None and (task.start_date is None or outcome_line.timestamp >= task.start_date):
            return str(read(outcome_line))
        return f"{task.task_id}: {reason_without_output(task.task_id)}"
    return None


def _publication(context: Mapping[str, Any], task: str) -> str | None:
    run = context.get("dag_run")
    if task == _BEGIN or run is None or run.dag_id != NIGHTLY:
        return None
    publication_id = context["ti"].xcom_pull(task_ids=_BEGIN)
    return str(publication_id) if publication_id else None


def _data_date(run: Any, publication_id: str | None) -> date | None:
    if publication_id:
        return date.fromisoformat(publication_id.rpartition(".")[0])
    if run.dag_id != NIGHTLY:
        return None
    requested = (run.conf or {}).get("data_date")
    try:
        return (
            date.fromisoformat(requested) if requested else run.data_interval_start and run.data_interval_start.date()
        )
    except ValueError:
        return None
