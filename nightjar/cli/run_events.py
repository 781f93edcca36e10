"""Follows the events of a run's tasks: lines for the operator, the publication, and why the run failed.

Used by `nightjar.cli.single_run`; pure.
"""

from dataclasses import dataclass

from nightjar.contract.task_events import FAILED, PROGRESS, SUCCESS, UP_FOR_RETRY, TaskEvent

_BEGIN = "begin"


@dataclass(frozen=True)
class Failure:
    """Why a run failed: exit code, reason and error code of the task that failed first."""

    exit_code: int
    reason: str
    code: str = ""


@dataclass
class RunEvents:
    """The state of a run by its events so far.

    Attributes:
        publication_id: of the attempt; empty until the task `begin` has numbered it.
        failure: why the run failed, if it has; a task that succeeds on a retry is no failure.
    """

    publication_id: str = ""
    failure: Failure | None = None

    def read(self, event: TaskEvent) -> str | None:
        """Read one event and return its line for the operator, if any."""
        if event.state == PROGRESS:
            return event.line
        if event.state == UP_FOR_RETRY:
            return f"{event.task}: will be retried: {event.reason}"
        if event.state == SUCCESS and event.task == _BEGIN:
            self.publication_id = event.result
        elif event.state == FAILED and self.failure is None:
            exit_code = 1 if event.exit_code is None else event.exit_code
            self.failure = Failure(exit_code, event.reason, event.code)
        return None
