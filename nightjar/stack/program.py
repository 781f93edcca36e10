"""A program of a stack, and the plan of a stack: its programs and how it starts."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nightjar.stack.probe import is_healthy

# The program whose name the stack's own code uses.
DATABASE = "postgres"
PROBE = ["python", "-m", "nightjar.stack.probe"]
_CHECK_SECONDS = 30


@dataclass(frozen=True)
class Program:
    """One program of a stack.

    Attributes:
        name: its name for the supervisor, the log file and the operator.
        command: program and arguments; it stays in the foreground.
        check: command that exits with 0 while the program is healthy; empty for a program that ends by itself, which
            is healthy once it has exited with 0.
        environment: public variables beyond the supervisor's own.
        secrets: variable to its secret; the program gets no other secret of the stack.
        after: programs that must be healthy, or have exited with 0, before it starts.
        stop_signal: the signal for an orderly stop.
        stop_seconds: how long it may take to end before it is killed.
        user: the system user that runs it, if not the one who starts the stack.
    """

    name: str
    command: list[str]
    check: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    stop_signal: str = "TERM"
    stop_seconds: int = 40
    user: str | None = None

    @property
    def ends_by_itself(self) -> bool:
        """Whether it runs once, and other programs wait for its end."""
        return not self.check

    def is_healthy(self, environment: Mapping[str, str]) -> bool:
        """Run the check, in the environment of the supervisor."""
        if self.check[: len(PROBE)] == PROBE:
            # The same as the command, without a new interpreter twice a second.
            return is_healthy(*self.check[len(PROBE) :])
        try:
            done = subprocess.run(self.check, env=environment, capture_output=True, timeout=_CHECK_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


@dataclass(frozen=True)
class StackPlan:
    """How the stack of one home is started.

    Attributes:
        programs: in the order of their start, the database first; they stop in the reverse order.
        environment: of the supervisor and, through it, of every program.
        secrets: names of its variables that a program gets only where it names them.
        prepare: creates what the database needs before it starts.
        initialise: creates what needs the database and no other program.
    """

    programs: list[Program]
    environment: dict[str, str]
    secrets: tuple[str, ...]
    prepare: Callable[[], None]
    initialise: Callable[[], None]
