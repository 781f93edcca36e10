"""What a search came to, as files of its folder and as it is told to MLflow.

Used by the stage tune_model.
"""

import json
from dataclasses import dataclass, field

from ml.data.dataset_digest import dataset_digest
from ml.tracking import StageLog
from ml.tuning.search import Trial
from ml.tuning.trade_off import draw_trade_off
from ml.tuning.trial import Judged
from nightjar.contract.atomic_files import write_text
from nightjar.contract.settings import Settings, run_parameters
from nightjar.contract.tuned_configuration import Recipe
from nightjar.publishing.tuned_configurations import Entry
from nightjar.publishing.tuning_folder import TuningFolder


@dataclass(frozen=True)
class Outcome:
    """What a search came to.

    Attributes:
        name: of the search.
        rival: the recipe in force.
        trials: all of them, the recipe in force first.
        best: the trial with the highest recall.
        entry: the challenger and the verdict on it; None where the recipe in force was the best.
        judged: on the night's holdout, by name: challenger, in_force, popularity; empty without a challenger.
    """

    name: str
    rival: Recipe
    trials: list[Trial]
    best: Trial
    entry: Entry | None = None
    judged: dict[str, Judged] = field(default_factory=dict)

    def says(self) -> str:
        """The outcome in one line."""
        if self.entry is None:
            others = len(self.trials) - 1
            return (
                f"{self.name}: {self.rival.says()} stays, none of {others} trials was better on the validation window"
            )
        what = "is in force for later dates" if self.entry.verdict == "passed" else f"{self.rival.says()} stays"
        return f"{self.name} {self.entry.verdict}, {what}: {self.entry.reason}"


def write_outcome(settings: Settings, folder: TuningFolder, outcome: Outcome) -> None:
    """Write trials and plots into the folder of the search."""
    write_text(folder.trials, json.dumps([_row(each) for each in outcome.trials], indent=2))
    draw_trade_off(outcome.trials, outcome.best, settings.metric_k, folder.plots / "trade_off.png")


def outcome_log(settings: Settings, folder: TuningFolder, outcome: Outcome) -> StageLog:
    """Return what MLflow keeps of the search; `write_outcome` comes first."""
    record = folder.night.record()
    params = run_parameters(outcome.rival.over(settings)) | {
        "data_date": record.data_date,
        "as_of": record.interval.as_of.isoformat(),
        "code_version": record.code_version,
        "dataset_sha256": dataset_digest(folder.night.snapshot_folder),
        "recipe_name": outcome.rival.name,
    }
    figures = {f"holdout.{name}": judged for name, judged in outcome.judged.items()}
    for name, trial in (("in_force", outcome.trials[0]), ("best", outcome.best)):
        if trial.fitted:
            figures[f"validation.{name}"] = trial.fitted.judged
    metrics = {f"{name}.{metric}": values for name, judged in figures.items() for metric, values in _steps(judged)}
    artifacts = {"plots": folder.plots, "": folder.trials}
    return StageLog(params, metrics, {"nightjar.outcome": outcome.says()}, artifacts)


def trial_logs(settings: Settings, trials: list[Trial]) -> dict[str, StageLog]:
    """Return what MLflow keeps of each trial, by the trial's name."""
    return {f"trial {each.number:03d}": _trial_log(each, settings.metric_k) for each in trials}


def _trial_log(trial: Trial, k: int) -> StageLog:
    metrics = {"seconds": [trial.seconds]}
    if trial.fitted:
        metrics |= dict(_steps(trial.fitted.judged)) | {f"epoch.recall_at_{k}": trial.fitted.curve}
    tags = {"nightjar.state": trial.state} | ({"nightjar.reason": trial.reason} if trial.reason else {})
    return StageLog(trial.values, metrics, tags)


def _steps(judged: Judged) -> list[tuple[str, list[float]]]:
    return [(metric, [value]) for metric, value in judged.figures().items()]


def _row(trial: Trial) -> dict[str, object]:
    figures = trial.fitted.judged.figures() if trial.fitted else {}
    about = {"number": trial.number, "state": trial.state, "reason": trial.reason, "seconds": round(trial.seconds, 1)}
    return about | {"values": trial.values} | figures
