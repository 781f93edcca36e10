"""Stage tune_model: search for better settings inside the training part, then let the best face the gate.

Reads `lake/tuning/<name>/work/`; writes the recipe with its verdict into `lake/recipes/`, the trials and plots into the
search's folder, and one MLflow run with a nested run for each trial.
"""

from ml import tracking
from ml.stages.tuning_features import FeatureShelf
from ml.stages.tuning_outcome import Outcome, outcome_log, trial_logs, write_outcome
from ml.stages.validation_window import leave_out_holdout
from ml.tuning.search import Budget, Search, Trial, winner
from ml.tuning.trial import judge_popularity, train_and_judge
from ml.tuning.verdict import CHALLENGER, IN_FORCE, POPULARITY, in_words, judge_challenger
from nightjar.contract.progress import StageProgress, stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import Recipe, read_recipe
from nightjar.publishing.tuned_configurations import Entry, add_entry
from nightjar.publishing.tuning_folder import TuningFolder


def run(settings: Settings, folder: TuningFolder, minutes: int, trials: int | None = None) -> str:
    """Run the search and return what it came to in one line.

    Args:
        settings: of the home, without any recipe.
        folder: a begun search.
        minutes: how long trials may be made; the first one and the gate are not counted.
        trials: how many to make besides the first; None for as many as the time allows.

    Raises:
        BadInput: there is too little data to search with.
        NightjarError: a Spark job failed, or training with the recipe in force diverged.
    """
    rival = read_recipe(folder.rival)
    current = rival.over(settings)
    with stage(None, "tune_model") as progress:
        progress.unit = "trials"
        record = folder.night.record()
        night = FeatureShelf(folder.night, record.interval.as_of)
        window = RunFolder(folder.work / "window")
        events = leave_out_holdout(night.folder(current), window)
        progress.say(f"{events:,} events inside the training part, against {rival.says()}")
        # With the same seed the users and items that are drawn as cold would be those that the night has taken out.
        shelf = FeatureShelf(window, record.interval.as_of)
        tried = _search(Search(_reseeded(current), shelf, Budget(minutes, trials)), progress)
        outcome = _decide(settings, folder, rival, tried, night)
        write_outcome(settings, folder, outcome)
        tracking.log_tuning(settings, folder.name, outcome_log(settings, folder, outcome), trial_logs(settings, tried))
        # Last: from here on nights take the recipe.
        if outcome.entry is not None:
            add_entry(settings.lake, outcome.entry)
        folder.clear()
    return outcome.says()


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
    settings: Settings, folder: TuningFolder, rival: Recipe, trials: list[Trial], night: FeatureShelf
) -> Outcome:
    best = winner(trials)
    if best.number == 0:
        return Outcome(folder.name, rival, trials, best)
    challenger = Recipe(folder.name, best.values)
    data = night.data(rival.over(settings))
    judged = {
        CHALLENGER: train_and_judge(night.data(challenger.over(settings)), challenger.over(settings)),
        IN_FORCE: train_and_judge(data, rival.over(settings)),
        POPULARITY: judge_popularity(data, settings),
    }
    decisions = judge_challenger(judged, challenger, rival, settings)
    data_date = folder.night.record().data_date
    entry = Entry(challenger, data_date, rival.says(), *in_words(decisions))
    return Outcome(folder.name, rival, trials, best, entry, judged)
