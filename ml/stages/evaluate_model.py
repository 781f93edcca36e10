"""Stage evaluate_model: fit on the training part, judge on the holdout beside popularity and the champion's refit.

Reads `features/`, `snapshot/`, the ledger, the champion's MLflow run and the warm-start checkpoint; writes
`outputs/model_metrics/`, `evaluation/`, `cold_items.json`, `start/evaluation/`, `plots/` and the MLflow run of the
publication.
"""

from ml.evaluation import cold_item_weights
from ml.evaluation.holdout_slices import slice_named
from ml.evaluation.judge import all_slices, judge
from ml.stages.fit_on_train import fit_on_train
from ml.stages.read_data import read_data
from ml.stages.refit_of_champion import refit_of_champion
from ml.stages.write_evaluation import EvaluatedModel, write_evaluation
from nightjar.contract.progress import stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "evaluate_model") as progress:
        data = read_data(folder, settings)
        progress.unit, progress.rows = "pairs", data.train.nnz
        slices = all_slices(data, settings)
        cold_slice = slice_named(slices, "cold_item")

        fit = fit_on_train(data, slices[0], folder, settings, progress)
        weights = cold_item_weights.choose(fit.candidate, cold_slice)
        progress.say(weights.summary())
        candidate = fit.candidate.at(weights.in_settings(settings))
        compared, champion = refit_of_champion(cold_slice, folder, settings, progress)

        judgement = judge(candidate, champion, slices)
        for row in judgement.metrics:
            if row.metric == "recall":
                progress.say(f"{row.model} {row.slice}: recall@{row.k} {row.value:.4f} ({row.users:,} users)")
        write_evaluation(settings, folder, EvaluatedModel(fit, weights, compared, judgement))
