"""What a stack is made of: the programs that one supervisor runs, and what a start needs to know beside them."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nightjar.stack.probe import is_healthy

# The programs whose names the stack's own code has to know.
DATABASE = "postgres"
PROBE = ["python", "-m", "nightjar.stack.probe"]
_CHECK_SECONDS = 30


@dataclass(frozen=True)
class Program:
    """One program of a stack.

    Attributes:
        name: what the supervisor, the log file and the operator call it.
        command: program and arguments; it stays in the foreground.
        check: command that ends with 0 while the program does its work; empty for a program that ends by itself, which
            is healthy once it has ended well.
        environment: variables beyond the supervisor's own that everybody may see.
        secrets: variable to the secret that it holds; the program finds no other secret of the stack.
        after: programs that must be healthy, or have ended well, before it starts.
        stop_signal: the signal on which it ends in good order.
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
        """Whether it does something once, and the others wait until it has."""
        return not self.check

    def is_healthy(self, environment: Mapping[str, str]) -> bool:
        """Run the check, in the environment of the supervisor."""
        if self.check[: len(PROBE)] == PROBE:
            # What the command does, without a new interpreter twice a second.
            return is_healthy(*self.check[len(PROBE) :])
        try:
            done = subprocess.run(self.check, env=environment, capture_output=True, timeout=_CHECK_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


@dataclass(frozen=True)
class Plan:
    """One stack of one home.

    Attributes:
        programs: in the order of their start, the database first; they stop in the reverse order.
        environment: of the supervisor and, through it, of every program.
        secrets: names of the variables in it that a program finds only where it names them.
        prepare: makes what must be there before the database starts.
        initialise: makes what needs the database and no other program.
    """

    programs: list[Program]
    environment: dict[str, str]
    secrets: tuple[str, ...]
    prepare: Callable[[], None]
    initialise: Callable[[], None]
