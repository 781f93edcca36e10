"""The search itself: Optuna proposes values of the tunable settings, a trial trains and judges them.

The only module that imports optuna. The order of the trials is repeatable: the same data, settings and number of trials
give the same winner; a budget in minutes only decides how many there are.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from ml.data.training_data import TrainingData
from ml.tuning.trial import Fitted, search_epochs
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.contract.settings.ranges import OneOf, Range, Value
from nightjar.contract.settings.training import EPOCHS
from nightjar.contract.spark_submission import FEATURE_SETTINGS
from nightjar.contract.tuned_configuration import TUNABLE, Recipe, values_of

# Epochs without a better recall after which a trial ends, and epochs that it has in any case.
PATIENCE, WARM_UP = 8, 4
# Trials that the pruner's median and the sampler's model start from.
STARTUP_TRIALS = 8
# Features cost a Spark job: the trials between keep those of the best trial so far.
FEATURES_EVERY = 4

Clock = Callable[[], float]


class TuningFeatures(Protocol):
    """The features of one snapshot, for each combination of the settings that they depend on."""

    def data(self, settings: Settings) -> TrainingData:
        """Return the features as matrices."""


@dataclass(frozen=True)
class Trial:
    """One candidate and what it came to.

    Attributes:
        number: from 0, which is the recipe in force.
        values: its settings; the epochs are those after which it was best.
        state: complete, pruned (worse than the median of the others at the same epoch), failed or out of time.
        seconds: that it took.
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
        return self.fitted.judged.mean("recall") if self.fitted else float("nan")

    @property
    def coverage(self) -> float:
        """Coverage of its lists there; nan unless complete."""
        return self.fitted.judged.coverage if self.fitted else float("nan")


@dataclass
class Budget:
    """When the search ends: by the clock, and, where that is asked for, after a number of trials."""

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


class Search:
    """Proposes candidates and learns from what they came to; `trials` are those that have ended."""

    def __init__(self, settings: Settings, shelf: TuningFeatures, budget: Budget) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.settings, self.shelf, self.budget = settings, shelf, budget
        self.trials: list[Trial] = []
        self._study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=settings.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS // 2, n_warmup_steps=WARM_UP),
        )
        self._distributions = {name: _distribution(where) for name, where in TUNABLE.items() if name != "epochs"}

    def run(self) -> Iterator[Trial]:
        """Yield the trials as they end. The recipe in force is the first, whatever the budget.

        Raises:
            BadInput, NightjarError: the first trial failed.
        """
        yield self._ended(self._first())
        while self.budget.allows(len(self.trials)):
            yield self._ended(self._next())

    def _ended(self, trial: Trial) -> Trial:
        self.trials.append(trial)
        return trial

    def _first(self) -> Trial:
        started = self.budget.clock()
        fitted = search_epochs(self.shelf.data(self.settings), self.settings, None, lambda epoch, recall: True)
        if fitted is None or not fitted.judged.users:
            raise BadInput(
                "no user has anything to train on and to judge by inside the training part", code="nothing_to_evaluate"
            )
        values = values_of(self.settings)
        self._learn(values, fitted)
        return Trial(0, values, "complete", self.budget.clock() - started, fitted)

    def _keep_best_features(self) -> None:
        best = winner(self.trials).values
        features = {name: best[name] for name in FEATURE_SETTINGS if name in self._distributions}
        if all(TUNABLE[name].holds(value) for name, value in features.items()):
            # What is left open here, the sampler chooses.
            self._study.enqueue_trial(features)

    def _learn(self, values: dict[str, Value], fitted: Fitted) -> None:
        # Settings that somebody chose may lie outside the ranges; the search then starts from nothing.
        params = {name: values[name] for name in self._distributions}
        if all(TUNABLE[name].holds(value) for name, value in params.items()):
            curve = dict(enumerate(fitted.curve, start=1))
            self._study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions=self._distributions,
                    value=fitted.judged.mean("recall"),
                    intermediate_values=curve,
                )
            )

    def _next(self) -> Trial:
        started = self.budget.clock()
        if len(self.trials) % FEATURES_EVERY:
            self._keep_best_features()
        asked = self._study.ask(self._distributions)
        values = {name: _rounded(value) for name, value in asked.params.items()}
        state, fitted, reason = self._try(asked, values)
        if fitted is None:
            self._study.tell(asked, state=TrialState.FAIL if state == "failed" else TrialState.PRUNED)
        else:
            self._study.tell(asked, fitted.judged.mean("recall"))
            values["epochs"] = fitted.epochs
        return Trial(len(self.trials), values, state, self.budget.clock() - started, fitted, reason)

    def _try(self, asked: optuna.Trial, values: dict[str, Value]) -> tuple[str, Fitted | None, str]:
        def may_go_on(epoch: int, recall: float) -> bool:
            asked.report(recall, epoch)
            return not self.budget.is_spent() and not asked.should_prune()

        try:
            candidate = Recipe("of a trial", {**values, "epochs": EPOCHS.high}).over(self.settings)
            fitted = search_epochs(self.shelf.data(candidate), candidate, PATIENCE, may_go_on)
        except NightjarError as error:
            return "failed", None, str(error)
        if fitted is None:
            return "out of time" if self.budget.is_spent() else "pruned", None, ""
        return "complete", fitted, ""


def winner(trials: list[Trial]) -> Trial:
    """Return the trial with the highest recall, the earliest of equals."""
    return max((each for each in trials if each.fitted), key=lambda each: (each.recall, -each.number))


def _distribution(where: Range) -> BaseDistribution:
    if isinstance(where, OneOf):
        return CategoricalDistribution(where.values)
    if isinstance(where.low, int) and isinstance(where.high, int):
        return IntDistribution(where.low, where.high, log=where.is_log)
    return FloatDistribution(where.low, where.high, log=where.is_log)


def _rounded(value: Value) -> Value:
    # Three digits say all that a search can tell, and a person can read them.
    return value if isinstance(value, int) else float(f"{value:.3g}")
