"""The errors a user of Nightjar meets, each with the exit code of the command that meets it."""

from subprocess import CompletedProcess


class NightjarError(Exception):
    """Something went wrong in a way that one line explains; trying again may help."""

    exit_code = 1
    # How the line of its command calls it.
    word = "error"


class BadInput(NightjarError):
    """A file, row, column or setting is wrong: trying again without a change cannot help."""

    exit_code = 2


class GateRefused(NightjarError):
    """A gate found the night's result not good enough to publish; what was published stays."""

    exit_code = 3


class NothingExpected(NightjarError):
    """There is nothing to run on, and nothing was expected: the run is skipped, which is no failure."""

    exit_code = 4
    word = "skipped"


def last_line(done: CompletedProcess[str]) -> str:
    """Return what a process said last, standard error after standard output: why it failed, for an error message."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else "no output"
