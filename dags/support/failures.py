"""Writes down why a task failed for good, and that an attempt goes on from there.

The task's own process writes, in the table `recs.run_failures`. Where that process is gone, the listener of runs lets a
process of its own do it, because a scheduler must not wait for a warehouse.
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


def says_why(last_line: str) -> bool:
    """Return whether the last line of a command is that in which it says why it failed."""
    return ERROR_LINE.match(last_line) is not None


def code_of(text: str) -> str:
    """Return the error's code in the line in which a command says why it failed; empty where there is none."""
    said = ERROR_LINE.search(text)
    return (said["code"] or "") if said else ""


def reason_of(task: str, exit_code: int, last_line: str) -> str:
    """Return why a command failed: what it says of it, or by which signal it ended and what it was at."""
    if said := ERROR_LINE.match(last_line):
        return said["reason"]
    # A shell between adds 128 to the signal.
    number = -exit_code if exit_code < 0 else exit_code - 128
    how = f"was killed by signal {number}" if number > 0 else f"ended with exit code {exit_code}"
    hint = " (out of memory, or somebody killed it)" if number == 9 else ""
    return f"{task} {how}{hint}; its last line was: {last_line or 'none'}"


def write_down(context: Mapping[str, Any], task: str, exit_code: int, reason: str, *, is_final: bool) -> None:
    """Write down a failure, unless the task is tried again."""
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


def go_on(context: Mapping[str, Any], task: Any) -> None:
    """Say that the attempt goes on from failures of this task, of one that waits for it, or of one it waits for."""
    publication_id = _publication(context, task.task_id)
    if publication_id:
        related = {*task.get_flat_relative_ids(upstream=False), *task.get_flat_relative_ids(upstream=True)}
        mark_resumed(load_settings(), publication_id, sorted({task.task_id, *related}))


def write_down_silent_ones(run: Any, publication_id: str | None, tasks: Sequence[Any]) -> None:
    """Let a process of its own write down the tasks that ended without a word; where that is known, it writes nothing.

    Args:
        run: of Airflow's database; read here, never changed.
        publication_id: of its attempt, if it has one.
        tasks: the instances of its tasks that failed.
    """
    # Without a scheduler, tasks and listener are one process, and `nightjar run` watches over it.
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
    # Somebody has to wait for it, or what is left of it stays among the processes.
    threading.Thread(target=process.wait, daemon=True).start()


def failure_note(tasks: Iterable[Any], outcomes: Iterable[Any], read: Any) -> str | None:
    """Return the line of the task that failed first, for the run's note.

    Args:
        tasks: the instances of the run's tasks that failed.
        outcomes: what tasks of the run left to be noted, as rows of Airflow's XCom table.
        read: makes the text of such a row.
    """
    left = {outcome.task_id: outcome for outcome in outcomes}
    for task in sorted(tasks, key=lambda each: str(each.end_date)):
        said = left.get(task.task_id)
        if said is not None and (task.start_date is None or said.timestamp >= task.start_date):
            return str(read(said))
        return f"{task.task_id}: {reason_without_output(task.task_id)}"
    return None


def _publication(context: Mapping[str, Any], task: str) -> str | None:
    run = context.get("dag_run")
    if task == _BEGIN or run is None or run.dag_id != NIGHTLY:
        return None
    found = context["ti"].xcom_pull(task_ids=_BEGIN)
    return str(found) if found else None


def _data_date(run: Any, publication_id: str | None) -> date | None:
    if publication_id:
        return date.fromisoformat(publication_id.rpartition(".")[0])
    if run.dag_id != NIGHTLY:
        return None
    asked = (run.conf or {}).get("data_date")
    try:
        return date.fromisoformat(asked) if asked else run.data_interval_start and run.data_interval_start.date()
    except ValueError:
        return None
