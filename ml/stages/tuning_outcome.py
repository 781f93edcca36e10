"""The outcome of a search, as files of its folder and as MLflow keeps it.

Used by the stage tune_model.
"""

import json
from dataclasses import dataclass, field

from ml.data.dataset_digest import dataset_digest
from ml.tracking import StageLog
from ml.tuning.trade_off import draw_trade_off
from ml.tuning.trial_fit import ListMetrics
from ml.tuning.trials import Trial
from nightjar.contract.atomic_files import write_text
from nightjar.contract.settings import Settings, run_parameters
from nightjar.contract.tuned_configuration import TunedConfiguration
from nightjar.publishing.tuned_configurations import SearchResult
from nightjar.publishing.tuning_folder import TuningFolder


@dataclass(frozen=True)
class Outcome:
    """The outcome of a search.

    Attributes:
        name: of the search.
        in_force: the configuration in force.
        trials: all of them, the configuration in force first.
        best: the trial with the highest recall.
        result: the challenger and the verdict on it; None where the configuration in force was the best.
        metrics: on the run's holdout, by name: challenger, in_force, popularity; empty without a challenger.
    """

    name: str
    in_force: TunedConfiguration
    trials: list[Trial]
    best: Trial
    result: SearchResult | None = None
    metrics: dict[str, ListMetrics] = field(default_factory=dict)

    def summary(self) -> str:
        """The outcome in one line."""
        if self.result is None:
            others = len(self.trials) - 1
            return (
                f"{self.name}: {self.in_force.label} stays, none of {others} trials was better on the validation window"
            )
        what = "is in force for later dates" if self.result.verdict == "passed" else f"{self.in_force.label} stays"
        return f"{self.name} {self.result.verdict}, {what}: {self.result.reason}"


def write_outcome(settings: Settings, folder: TuningFolder, outcome: Outcome) -> None:
    """Write trials and plots into the folder of the search."""
    write_text(folder.trials, json.dumps([_row(each) for each in outcome.trials], indent=2))
    draw_trade_off(outcome.trials, outcome.best, settings.metric_k, folder.plots / "trade_off.png")


def outcome_log(settings: Settings, folder: TuningFolder, outcome: Outcome) -> StageLog:
    """Return what MLflow keeps of the search; `write_outcome` comes first."""
    record = folder.run_folder.record()
    params = run_parameters(outcome.in_force.over(settings)) | {
        "data_date": record.data_date,
        "as_of": record.interval.as_of.isoformat(),
        "code_version": record.code_version,
        "dataset_sha256": dataset_digest(folder.run_folder.snapshot_folder),
        "recipe_name": outcome.in_force.name,
    }
    of_models = {f"holdout.{name}": each for name, each in outcome.metrics.items()}
    for name, trial in (("in_force", outcome.trials[0]), ("best", outcome.best)):
        if trial.fitted:
            of_models[f"validation.{name}"] = trial.fitted.metrics
    metrics = {f"{name}.{metric}": values for name, each in of_models.items() for metric, values in _steps(each)}
    artifacts = {"plots": folder.plots, "": folder.trials}
    return StageLog(params, metrics, {"nightjar.outcome": outcome.summary()}, artifacts)


def trial_logs(settings: Settings, trials: list[Trial]) -> dict[str, StageLog]:
    """Return what MLflow keeps of each trial, by the trial's name."""
    return {f"trial {each.number:03d}": _trial_log(each, settings.metric_k) for each in trials}


def _trial_log(trial: Trial, k: int) -> StageLog:
    metrics = {"seconds": [trial.seconds]}
    if trial.fitted:
        metrics |= dict(_steps(trial.fitted.metrics)) | {f"epoch.recall_at_{k}": trial.fitted.curve}
    tags = {"nightjar.state": trial.state} | ({"nightjar.reason": trial.reason} if trial.reason else {})
    return StageLog(trial.values, metrics, tags)


def _steps(metrics: ListMetrics) -> list[tuple[str, list[float]]]:
    return [(metric, [value]) for metric, value in metrics.by_name().items()]


def _row(trial: Trial) -> dict[str, object]:
    figures = trial.fitted.metrics.by_name() if trial.fitted else {}
    about = {"number": trial.number, "state": trial.state, "reason": trial.reason, "seconds": round(trial.seconds, 1)}
    return about | {"values": trial.values} | figures
