"""The search itself: Optuna proposes values of the tunable settings, a trial fits and evaluates them.

The only module that imports optuna. The trials are repeatable: the same data, settings and number of trials give the
same winner; a budget in minutes only decides how many there are.
"""

from collections.abc import Iterator
from typing import Protocol

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from ml.data.training_data import TrainingData
from ml.tuning.trial_fit import Fitted, search_epochs
from ml.tuning.trials import Budget, Trial, winner
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.contract.settings.ranges import OneOf, Range, Value
from nightjar.contract.settings.training import EPOCHS
from nightjar.contract.spark_submission import FEATURE_SETTINGS
from nightjar.contract.tuned_configuration import TUNABLE, TunedConfiguration, tunable_values

# Epochs without a better recall after which a trial ends, and epochs that it is not pruned before.
PATIENCE, WARM_UP = 8, 4
# Trials that the pruner's median and the sampler's model start from.
STARTUP_TRIALS = 8
# New features cost a Spark job: the trials between keep those of the best trial so far.
FEATURES_EVERY = 4


class FeatureSource(Protocol):
    """The features of one snapshot, for each combination of the settings that they depend on."""

    def data(self, settings: Settings) -> TrainingData:
        """Return the features as matrices."""


class Search:
    """Proposes candidates and learns from their results; `trials` are those that have ended."""

    def __init__(self, settings: Settings, features: FeatureSource, budget: Budget) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.settings, self.features, self.budget = settings, features, budget
        self.trials: list[Trial] = []
        self._study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=settings.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS // 2, n_warmup_steps=WARM_UP),
        )
        self._distributions = {name: _distribution(each) for name, each in TUNABLE.items() if name != "epochs"}

    def run(self) -> Iterator[Trial]:
        """Yield the trials as they end. The configuration in force is the first, whatever the budget.

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
        fitted = search_epochs(self.features.data(self.settings), self.settings, None, lambda epoch, recall: True)
        if fitted is None or not fitted.metrics.users:
            raise BadInput(
                "no user has events to train on and to evaluate inside the training part",
                code="nothing_to_evaluate",
            )
        values = tunable_values(self.settings)
        self._learn(values, fitted)
        return Trial(0, values, "complete", self.budget.clock() - started, fitted)

    def _keep_best_features(self) -> None:
        best = winner(self.trials).values
        features = {name: best[name] for name in FEATURE_SETTINGS if name in self._distributions}
        if all(TUNABLE[name].holds(value) for name, value in features.items()):
            # The sampler chooses the other settings.
            self._study.enqueue_trial(features)

    def _learn(self, values: dict[str, Value], fitted: Fitted) -> None:
        # Settings made by hand may lie outside the ranges; the sampler then starts without them.
        params = {name: values[name] for name in self._distributions}
        if all(TUNABLE[name].holds(value) for name, value in params.items()):
            curve = dict(enumerate(fitted.curve, start=1))
            self._study.add_trial(
                optuna.trial.create_trial(
                    params=params,
                    distributions=self._distributions,
                    value=fitted.metrics.mean("recall"),
                    intermediate_values=curve,
                )
            )

    def _next(self) -> Trial:
        started = self.budget.clock()
        if len(self.trials) % FEATURES_EVERY:
            self._keep_best_features()
        proposed = self._study.ask(self._distributions)
        values = {name: _rounded(value) for name, value in proposed.params.items()}
        state, fitted, reason = self._try(proposed, values)
        if fitted is None:
            self._study.tell(proposed, state=TrialState.FAIL if state == "failed" else TrialState.PRUNED)
        else:
            self._study.tell(proposed, fitted.metrics.mean("recall"))
            values["epochs"] = fitted.epochs
        return Trial(len(self.trials), values, state, self.budget.clock() - started, fitted, reason)

    def _try(self, proposed: optuna.Trial, values: dict[str, Value]) -> tuple[str, Fitted | None, str]:
        def should_continue(epoch: int, recall: float) -> bool:
            proposed.report(recall, epoch)
            return not self.budget.is_spent() and not proposed.should_prune()

        try:
            candidate = TunedConfiguration("of a trial", {**values, "epochs": EPOCHS.high}).over(self.settings)
            fitted = search_epochs(self.features.data(candidate), candidate, PATIENCE, should_continue)
        except NightjarError as error:
            return "failed", None, str(error)
        if fitted is None:
            return "out of time" if self.budget.is_spent() else "pruned", None, ""
        return "complete", fitted, ""


def _distribution(range_: Range) -> BaseDistribution:
    if isinstance(range_, OneOf):
        return CategoricalDistribution(range_.values)
    if isinstance(range_.low, int) and isinstance(range_.high, int):
        return IntDistribution(range_.low, range_.high, log=range_.is_log)
    return FloatDistribution(range_.low, range_.high, log=range_.is_log)


def _rounded(value: Value) -> Value:
    # A search tells no more than three digits apart.
    return value if isinstance(value, int) else float(f"{value:.3g}")
