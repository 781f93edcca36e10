"""Stage tune_model: search for a better configuration inside the training part, then gate the best one.

Reads `lake/tuning/<name>/work/`; writes the best with its verdict into `lake/recipes/`, the trials and plots into the
search's folder, and one MLflow run with a nested run for each trial.
"""

from ml import tracking
from ml.stages.tuning_features import FeatureCache
from ml.stages.tuning_outcome import Outcome, outcome_log, trial_logs, write_outcome
from ml.stages.validation_window import leave_out_holdout
from ml.tuning.challenger_gates import CHALLENGER, IN_FORCE, POPULARITY, gate_challenger, verdict_and_reason
from ml.tuning.search import Search
from ml.tuning.trial_fit import evaluate_popularity, fit_and_evaluate
from ml.tuning.trials import Budget, Trial, winner
from nightjar.contract.progress import StageProgress, stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import TunedConfiguration, read_tuned_configuration
from nightjar.publishing.tuned_configurations import SearchResult, add_search_result
from nightjar.publishing.tuning_folder import TuningFolder


def run(settings: Settings, folder: TuningFolder, minutes: int, trials: int | None = None) -> str:
    """Run the search and return its outcome in one line.

    Args:
        settings: of the home, without a tuned configuration.
        folder: a begun search.
        minutes: how long trials may be made; the first one and the gate are not counted.
        trials: how many to make besides the first; None for as many as the time allows.

    Raises:
        BadInput: there is too little data to search with.
        NightjarError: a Spark job failed, or training with the configuration in force diverged.
    """
    in_force = read_tuned_configuration(folder.in_force)
    current = in_force.over(settings)
    with stage(None, "tune_model") as progress:
        progress.unit = "trials"
        record = folder.run_folder.record()
        run_features = FeatureCache(folder.run_folder, record.interval.as_of)
        window = RunFolder(folder.work / "window")
        events = leave_out_holdout(run_features.folder(current), window)
        progress.say(f"{events:,} events inside the training part, against {in_force.label}")
        # With the same seed the users and items drawn as cold would be those that the run has held out already.
        window_features = FeatureCache(window, record.interval.as_of)
        ended = _search(Search(_reseeded(current), window_features, Budget(minutes, trials)), progress)
        outcome = _decide(settings, folder, in_force, ended, run_features)
        write_outcome(settings, folder, outcome)
        tracking.log_tuning(settings, folder.name, outcome_log(settings, folder, outcome), trial_logs(settings, ended))
        # Last: from here on runs train with it.
        if outcome.result is not None:
            add_search_result(settings.lake, outcome.result)
        folder.clear()
    return outcome.summary()


def _reseeded(settings: Settings) -> Settings:
    return settings.model_copy(update={"seed": settings.seed + 1})


def _search(search: Search, progress: StageProgress) -> list[Trial]:
    for trial in search.run():
        best = winner(search.trials)
        what = f"recall {trial.recall:.4f}, coverage {trial.coverage:.3f}" if trial.fitted else trial.reason
        progress.say(
            f"trial {trial.number} {trial.state}: {what or 'given up'} in {trial.seconds:.1f} s; "
            f"best {best.recall:.4f} of trial {best.number}"
        )
        progress.rows += 1
    return search.trials


def _decide(
    settings: Settings, folder: TuningFolder, in_force: TunedConfiguration, trials: list[Trial], features: FeatureCache
) -> Outcome:
    best = winner(trials)
    if best.number == 0:
        return Outcome(folder.name, in_force, trials, best)
    challenger = TunedConfiguration(folder.name, best.values)
    data = features.data(in_force.over(settings))
    metrics = {
        CHALLENGER: fit_and_evaluate(features.data(challenger.over(settings)), challenger.over(settings)),
        IN_FORCE: fit_and_evaluate(data, in_force.over(settings)),
        POPULARITY: evaluate_popularity(data, settings),
    }
    decisions = gate_challenger(metrics, challenger, in_force, settings)
    data_date = folder.run_folder.record().data_date
    result = SearchResult(challenger, data_date, in_force.label, *verdict_and_reason(decisions))
    return Outcome(folder.name, in_force, trials, best, result, metrics)
