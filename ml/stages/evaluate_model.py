"""Stage evaluate_model: choose weights, fit on the training part, judge beside popularity and the champion's refit.

Weights and epochs are chosen on a window inside the training part by a fit that saw nothing of it; what judges is the
holdout.

Reads `features/`, `snapshot/`, the ledger, the champion's MLflow run and the warm-start checkpoint; writes
`outputs/model_metrics/`, `evaluation/`, `blend_weights.json`, `cold_items.json`, `epochs.json`, `start/evaluation/`,
`plots/` and the MLflow run of the publication.
"""

from ml.evaluation.choices import fit_before_windows
from ml.evaluation.judge import all_slices, judge
from ml.stages.fit_on_train import fit_on_train, fit_pulse
from ml.stages.long_fits import long_fits
from ml.stages.read_data import read_data
from ml.stages.refit_of_champion import refit_of_champion
from ml.stages.write_evaluation import EvaluatedModel, write_evaluation
from nightjar.contract.beside import beside
from nightjar.contract.progress import stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "evaluate_model") as progress, long_fits(folder, progress) as log:
        data = read_data(folder, settings)
        progress.unit, progress.rows = "pairs", data.train.nnz
        slices = all_slices(data, settings)

        fits = fit_before_windows(data, settings, fit_pulse("before the choice window", progress), log)
        progress.say(fits.epochs.summary())
        with beside("the choice of weights", fits.choose) as choice:
            fit = fit_on_train(data, slices[0], folder, settings, fits.epochs, progress, log)
            choices = choice()
        for line in choices.summary():
            progress.say(line)
        compared, champion = refit_of_champion(folder, settings, progress, log)

        judgement = judge(choices.applied_to(fit.candidate), champion, slices)
        progress.say(f"popularity baseline: {judgement.popularity}")
        for row in judgement.metrics:
            if row.metric == "recall":
                progress.say(f"{row.model} {row.slice}: recall@{row.k} {row.value:.4f} ({row.users:,} users)")
        write_evaluation(settings, folder, EvaluatedModel(fit, choices, compared, judgement))
