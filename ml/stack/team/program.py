"""What one program of a team's stack is, for whoever starts it: Docker Compose or the supervisor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Condition = Literal["healthy", "completed"]


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        name: what Compose, the supervisor, the log file and the other programs call it.
        command: program and arguments; it stays in the foreground.
        memory: the most it may take, in Compose's notation.
        check: command that ends with 0 while the program does its work; none for one that ends by itself.
        environment: variables that everybody may see.
        secrets: variable to the name of the secret that it holds.
        after: program to the state that it must have reached before this one starts.
        published: ports that are reached from outside the stack, by their settings.
        volumes: named volume to the folder that it is mounted on.
        tuned: whether the team's settings reach it.
        is_ours: whether it runs on the image of this project.
        stop_signal: the signal on which it ends in good order.
    """

    name: str
    command: list[str]
    memory: str
    check: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, Condition] = field(default_factory=dict)
    published: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    tuned: bool = False
    is_ours: bool = True
    stop_signal: str = "TERM"

    @property
    def ends_by_itself(self) -> bool:
        """Whether it does something once, and the others wait until it has."""
        return not self.check
