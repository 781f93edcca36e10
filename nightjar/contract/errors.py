"""The errors a user of Nightjar meets, each with a code and the exit code of the command that meets it."""

from subprocess import CompletedProcess


class NightjarError(Exception):
    """Something went wrong in a way that one line explains; trying again may help.

    Args:
        message: what is wrong, what was expected and what to do, in that order, in one line.
        code: what is wrong in one lowercase name, as `unknown_column`: stable, for programs and tests.
        fields: the values that the message names, as `file`, `row`, `column`, `setting`, `value`.
    """

    exit_code = 1
    # How the line of its command calls it.
    word = "error"

    def __init__(self, message: str, *, code: str = "", **fields: object) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields


class BadInput(NightjarError):
    """A file, row, column or setting is wrong: trying again without a change cannot help."""

    exit_code = 2


class GateRefused(NightjarError):
    """A gate found the night's result not good enough to publish; what was published stays."""

    exit_code = 3


class RunSkipped(NightjarError):
    """There is nothing to run on, and nothing was expected: the run is skipped, which is no failure."""

    exit_code = 4
    word = "skipped"


def last_line(done: CompletedProcess[str]) -> str:
    """Return what a process said last, standard error after standard output: why it failed, for an error message."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else "no output"
