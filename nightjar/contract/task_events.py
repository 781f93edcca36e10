"""What a run without a scheduler reports of its tasks: one JSON object a line.

Written by `dags.support.run_once`, read by `nightjar.cli.run_events`.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

# States of a task, in Airflow's words. A task that is up for retry has failed and is tried again.
RUNNING, SUCCESS, SKIPPED, FAILED, UP_FOR_RETRY = "running", "success", "skipped", "failed", "up_for_retry"
# A task printed a progress line; its state is the one before.
PROGRESS = "progress"


@dataclass(frozen=True)
class TaskEvent:
    """One change of a task's state, or one line of its progress.

    Attributes:
        task: its id; empty where what failed is no task, as a DAG file that cannot be loaded.
        state: one of the above.
        try_number: 1 for the first try.
        at: when it happened.
        line: of a progress line, without the mark.
        result: of a task that succeeded, what it returned.
        exit_code: of a task that failed, that of its command; below 0 the signal that killed it.
        code: of a task that failed, the error's code; empty where it has none.
        reason: of a task that failed, why, in one line.
    """

    task: str
    state: str
    try_number: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    line: str = ""
    result: str = ""
    exit_code: int | None = None
    code: str = ""
    reason: str = ""

    def to_json(self) -> str:
        """The event as one line of JSON, without the line's end."""
        return json.dumps(asdict(self), default=lambda moment: moment.isoformat())

    @classmethod
    def from_json(cls, text: str) -> "TaskEvent":
        """The event from its line."""
        values = json.loads(text)
        return cls(**{**values, "at": datetime.fromisoformat(values["at"])})
