"""What a task raises when its command fails: with the exit code, the error's code and the reason as values."""

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class CommandFailed(AirflowException):
    """The command of a task failed, and Airflow may try the task again.

    Args:
        line: what Airflow's log shows.
        exit_code: of the command; below 0 the signal that killed it.
        code: of the error, as `nightjar.contract.errors` has them; empty where the command gave none.
        reason: why it failed, in one line.
    """

    def __init__(self, line: str, exit_code: int = 1, code: str = "", reason: str = "") -> None:
        super().__init__(line)
        self.exit_code, self.code, self.reason = exit_code, code, reason or line


class CommandRefused(CommandFailed, AirflowFailException):
    """The command of a task failed, and trying it again without a change cannot help."""
