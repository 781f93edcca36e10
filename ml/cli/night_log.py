"""Follows what Airflow prints while it runs a night: the stages' own lines, and which task failed and why.

Used by `ml.cli.night`; pure.
"""

import re
from dataclasses import dataclass

from warehouse.progress import ERROR_LINE, MARK

_BEGUN = re.compile(re.escape(MARK) + r" begin: (\S+) as of")
# What Airflow's log adds behind a message: the logger and the line of its code.
_LOGGER = re.compile(r"\s+\[airflow\.\S+\].*$")
_STARTED = re.compile(r"\[DAG TEST\] starting task_id=(\S+)")
_ENDED = re.compile(r"Task instance state updated .*\bnew_state=(failed|up_for_retry)\b")


@dataclass(frozen=True)
class Failure:
    """Why a run failed: the exit code, the line and the error code of the stage that failed first."""

    exit_code: int
    reason: str
    code: str = ""


@dataclass
class NightLog:
    """What the lines read so far have told."""

    publication_id: str = ""
    failure: Failure | None = None
    _task: str = ""
    _error: Failure | None = None

    def read(self, line: str) -> str | None:
        """Take in one line and return what the operator should see of it, if anything.

        The first task that fails is why the night failed; an error that a later try of the task made good is none.
        """
        said = _LOGGER.sub("", line)
        if started := _STARTED.search(line):
            self._task, self._error = started[1], None
        elif ended := _ENDED.search(line):
            return self._ended(ended[1])
        elif error := ERROR_LINE.search(said):
            self._error = Failure(int(error["exit_code"]), error["reason"].strip(), error["code"] or "")
        elif MARK in said:
            if begun := _BEGUN.search(said):
                self.publication_id = begun[1]
            return said[said.index(MARK) + len(MARK) :].strip()
        return None

    def _ended(self, state: str) -> str | None:
        error = self._error or Failure(1, f"task {self._task} failed without a line of its own")
        if state == "up_for_retry":
            return f"{self._task}: tried again soon, because: {error.reason}"
        self.failure = self.failure or error
        return None
