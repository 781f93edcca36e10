"""The errors that users see, each with a code and the exit code of its command."""

from subprocess import CompletedProcess


class NightjarError(Exception):
    """An error that one line explains; trying again may help.

    Args:
        message: what is wrong, what was expected and what to do, in that order, in one line.
        code: what is wrong in one lowercase name, as `unknown_column`: stable, for programs and tests.
        fields: the values that the message names, as `file`, `row`, `column`, `setting`, `value`.
    """

    exit_code = 1
    # First word of its line.
    word = "error"

    def __init__(self, message: str, *, code: str = "", **fields: object) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields


class BadInput(NightjarError):
    """A file, row, column or setting is wrong: trying again without a change cannot help."""

    exit_code = 2


class GateRefused(NightjarError):
    """A gate refused to publish the result of the run; the current publication stays."""

    exit_code = 3


class RunSkipped(NightjarError):
    """There are no events to run on, and none were expected: the run is skipped, which is no failure."""

    exit_code = 4
    word = "skipped"


def last_line(done: CompletedProcess[str]) -> str:
    """Return the last line of a process's output, standard error after standard output, for an error message."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else "no output"
