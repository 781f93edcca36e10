"""The trials of a search, and when it ends. Pure."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ml.tuning.trial_fit import Fitted
from nightjar.contract.settings.ranges import Value

Clock = Callable[[], float]


@dataclass(frozen=True)
class Trial:
    """One candidate and its result.

    Attributes:
        number: from 0, which is the configuration in force.
        values: its settings; the epochs are those after which it was best.
        state: complete, pruned (worse than the median of the others at the same epoch), failed or out of time.
        seconds: its duration.
        fitted: of a complete one.
        reason: of a failed one.
    """

    number: int
    values: dict[str, Value]
    state: str
    seconds: float
    fitted: Fitted | None = None
    reason: str = ""

    @property
    def recall(self) -> float:
        """Recall@k on the validation window; nan unless complete."""
        return self.fitted.metrics.mean("recall") if self.fitted else float("nan")

    @property
    def coverage(self) -> float:
        """Coverage@k there; nan unless complete."""
        return self.fitted.metrics.coverage if self.fitted else float("nan")


@dataclass
class Budget:
    """When the search ends: by the clock, and after a number of trials where there is one."""

    minutes: float
    trials: int | None = None
    clock: Clock = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def is_spent(self) -> bool:
        """Whether the time is up."""
        return self.clock() - self.started >= self.minutes * 60

    def allows(self, number: int) -> bool:
        """Whether the trial of a number may begin."""
        return not self.is_spent() and (self.trials is None or number <= self.trials)


def winner(trials: list[Trial]) -> Trial:
    """Return the trial with the highest recall, the earliest of equals."""
    return max((each for each in trials if each.fitted), key=lambda each: (each.recall, -each.number))
