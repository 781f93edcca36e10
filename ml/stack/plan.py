"""What a start needs to know of a stack, whichever kind it is."""

from collections.abc import Callable
from dataclasses import dataclass

from ml.stack.services import Service


@dataclass(frozen=True)
class Plan:
    """One stack of one home.

    Attributes:
        programs: in the order of their start, the database first; they stop in the reverse order.
        environment: of the supervisor and, through it, of every program.
        prepare: makes what must be there before the database starts.
        initialise: makes what needs the database and no other program.
    """

    programs: list[Service]
    environment: dict[str, str]
    prepare: Callable[[], None]
    initialise: Callable[[], None]
