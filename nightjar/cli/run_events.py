"""Follows the events of a run's tasks: what the operator should see, which publication it is, and why it failed.

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
    """What the events read so far have reported.

    Attributes:
        publication_id: of the attempt; empty until the task `begin` has numbered it.
        failure: why the run failed, if it has: a task that succeeds when it is tried again is no failure.
    """

    publication_id: str = ""
    failure: Failure | None = None

    def read(self, event: TaskEvent) -> str | None:
        """Take in one event and return the line that the operator should see of it, if any."""
        if event.state == PROGRESS:
            return event.line
        if event.state == UP_FOR_RETRY:
            return f"{event.task}: tried again soon, because: {event.reason}"
        if event.state == SUCCESS and event.task == _BEGIN:
            self.publication_id = event.result
        elif event.state == FAILED and self.failure is None:
            exit_code = 1 if event.exit_code is None else event.exit_code
            self.failure = Failure(exit_code, event.reason, event.code)
        return None
