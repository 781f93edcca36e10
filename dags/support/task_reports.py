"""Reports the states of a run's tasks to the process that started the run.

Airflow calls it at each change of a task's state; progress lines come from the tasks' log and from standard output.
Used by `dags.support.run_once`.
"""

import os
import signal
import threading
from contextlib import suppress
from typing import Any, TextIO

import structlog
from airflow.listeners import hookimpl

from dags.support.command_errors import CommandFailed
from nightjar.contract.errors import NightjarError
from nightjar.contract.progress import ERROR_LINE, MARK
from nightjar.contract.task_events import FAILED, PROGRESS, RUNNING, SKIPPED, SUCCESS, UP_FOR_RETRY, TaskEvent


class TaskReports:
    """Writes the events; as a listener of Airflow it is called at each change of a task's state.

    Args:
        stream: receives one line an event. The run ends where its reader is gone: nobody would see its result.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._running: Any = None

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """Report that a try of a task starts."""
        self._running = task_instance
        self._report(task_instance, RUNNING)

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """Report that a task succeeded, and what it returned."""
        result = task_instance.xcom_pull(task_ids=task_instance.task_id)
        self._ended(task_instance, SUCCESS, result="" if result is None else str(result))

    @hookimpl
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:
        """Report that a task was skipped."""
        self._ended(task_instance, SKIPPED)

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """Report that a task failed, and why; Airflow also calls this where the task is retried."""
        state = UP_FOR_RETRY if task_instance.state == UP_FOR_RETRY else FAILED
        exit_code, code, reason = cause(task_instance.task_id, error)
        self._ended(task_instance, state, exit_code=exit_code, code=code, reason=reason)

    def progress(self, message: str) -> None:
        """Report a line, if it is a progress line."""
        if message.startswith(MARK) and not ERROR_LINE.match(message):
            self._report(self._running, PROGRESS, line=message.removeprefix(MARK).strip())

    def failed(self, error: BaseException) -> None:
        """Report that the run failed outside its tasks."""
        exit_code, code, reason = cause("", error)
        self.send(TaskEvent("", FAILED, exit_code=exit_code, code=code, reason=reason))

    def send(self, event: TaskEvent) -> None:
        """Write one event."""
        try:
            with self._lock:
                self._stream.write(f"{event.to_json()}\n")
        except BrokenPipeError:
            self.stop(128 + signal.SIGPIPE)

    def stop(self, exit_code: int) -> None:
        """End this process at once, and the running task's command with it."""
        # The task may not have started its command yet.
        with suppress(Exception):
            self._running.task.on_kill()
        os._exit(exit_code)

    def _ended(self, task_instance: Any, state: str, **values: Any) -> None:
        self._running = None
        self._report(task_instance, state, **values)

    def _report(self, task_instance: Any, state: str, **values: Any) -> None:
        task, number = getattr(task_instance, "task_id", ""), getattr(task_instance, "try_number", 0)
        self.send(TaskEvent(task, state, number, **values))


def report_logged_progress(reports: TaskReports) -> None:
    """Report the progress lines among the log's messages: tasks log what their commands print."""

    def report(_logger: Any, _method: str, message: structlog.typing.EventDict) -> structlog.typing.EventDict:
        reports.progress(str(message.get("event", "")))
        return message

    *before, renderer = structlog.get_config()["processors"]
    structlog.configure(processors=[*before, report, renderer])


class ProgressPrinted:
    """Standard output that reports the progress lines which this process itself prints."""

    def __init__(self, output: TextIO, reports: TaskReports) -> None:
        self._output, self._reports = output, reports

    def write(self, text: str) -> int:
        """Write, and report a progress line; lines of the log begin with their time."""
        self._reports.progress(text)
        return self._output.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def cause(task: str, error: object) -> tuple[int, str, str]:
    """Return exit code, error code and reason of what a task, or the process outside its tasks, raised."""
    if isinstance(error, CommandFailed):
        return error.exit_code, error.code, error.reason
    if isinstance(error, NightjarError):
        return error.exit_code, error.code, " ".join(str(error).split())
    what = f"task {task}" if task else "airflow"
    if not isinstance(error, BaseException):
        return 1, "", f"{what} failed without an error of its own"
    return 1, "", " ".join(f"{what} failed: {type(error).__name__}: {error}".split())
