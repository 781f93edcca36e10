"""Stage evaluate_model: fit on the training part, evaluate on the holdout beside popularity and the champion's refit.

Reads `features/`, `snapshot/`, the ledger, the champion's MLflow run and the warm-start checkpoint; writes
`outputs/model_metrics/`, `evaluation/`, `cold_items.json`, `start/evaluation/`, `plots/` and the MLflow run of the
publication.
"""

import math
from dataclasses import asdict

from ml import tracking
from ml.data.text_features import with_text_features
from ml.data.training_data import TrainingData, read_training_data
from ml.evaluation import cold_item_weights, results
from ml.evaluation.champion_refit import ranking_of, refit_champion
from ml.evaluation.cross_domain_slices import cross_domain_slices
from ml.evaluation.evaluate import BASELINE, CHAMPION, MODEL, Metric, evaluate, recall_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, fold_in_slice, holdout_slices, sampled, slice_named
from ml.evaluation.popularity_curve import popularity_curve
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.models.cooccurrence import item_weights_of
from ml.models.lightfm import Epoch, fit
from ml.models.trained_embeddings import FittedFactors
from ml.stages import warm_start
from ml.stages.evaluation_log import EvaluatedModel, draw_plots, evaluation_log
from ml.stages.find_champion import find_champion
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.progress import StageProgress, stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.output_rows import write_rows
from nightjar.ranking.scoring import Ranking, popularity_ranking
from nightjar.warehouse.engines import open_warehouse

# Users of the samples on which recall after each epoch, and the popularity curve, are measured.
EPOCH_USERS = 1_000
POPULARITY_CURVE_USERS = 5_000


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "evaluate_model") as progress:
        progress.unit = "pairs"
        data = read_training_data(folder.features_folder)
        progress.rows = data.train.nnz
        evaluated = _fit_and_evaluate(data, folder, settings, progress)
        metrics = evaluated.evaluation.metrics
        rows = [asdict(row) | {"value": None if math.isnan(row.value) else row.value} for row in metrics]
        write_rows(folder, "model_metrics", rows)
        coverage = {row.model: row.value for row in metrics if (row.slice, row.metric) == ("all", "coverage")}
        cold_item_weights.save(evaluated.cold_item_weights, folder.cold_items)
        of_users = evaluated.evaluation.of_users
        results.save(EvaluationResults(of_users, coverage, evaluated.compared_champion), folder.evaluation)
        draw_plots(folder, evaluated, settings)
        tracking.log_stage(settings, folder, evaluation_log(settings, folder, data, evaluated))


def _fit_and_evaluate(
    textless: TrainingData, folder: RunFolder, settings: Settings, progress: StageProgress
) -> EvaluatedModel:
    data = with_text_features(textless, folder.snapshot_folder, settings)
    popularity, k = popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids)), settings.metric_k
    slices = [
        *holdout_slices(data.train, data.holdout, data.is_available, settings.seed),
        *cross_domain_slices(data.train, data.holdout, data.item_domains, data.is_available, settings.seed),
    ]
    recalls: list[float] = []
    fitted, warm_started_from = _fit(data, popularity, slices[0], recalls, folder, settings, progress)
    item_weights = item_weights_of(data, data.train, settings)
    cold_slice = slice_named(slices, "cold_item")
    cold_weights = cold_item_weights.choose(fitted, cold_slice, popularity, settings, item_weights)
    progress.say(cold_weights.summary())
    chosen, item_weights = cold_weights.in_settings(settings), cold_weights.in_item_weights(item_weights)

    def ranking_at(popularity_weight: float) -> Ranking:
        changed = chosen.model_copy(update={"popularity_weight": popularity_weight})
        return ranking_of(fitted, popularity, changed, item_weights)

    rankings = {MODEL: ranking_at(settings.popularity_weight), BASELINE: popularity}
    compared, refit = _refit_champion(textless, popularity, cold_slice, folder, settings, progress)
    if refit is not None:
        rankings[CHAMPION] = refit
    evaluation = evaluate(rankings, slices, data.train, k, data.left_out)
    evaluation.metrics.extend(_fold_in_metrics(fitted, popularity, chosen, item_weights))
    for row in evaluation.metrics:
        if row.metric == "recall":
            progress.say(f"{row.model} {row.slice}: recall@{row.k} {row.value:.4f} ({row.users:,} users)")
    sample = sampled(slices[0], POPULARITY_CURVE_USERS, settings.seed)
    curve = popularity_curve(ranking_at, sample, data.train, k, left_out=data.left_out)
    return EvaluatedModel(evaluation, recalls, curve, compared, warm_started_from, cold_weights)


def _fit(
    data: TrainingData,
    popularity: Ranking,
    all_slice: HoldoutSlice,
    recalls: list[float],
    folder: RunFolder,
    settings: Settings,
    progress: StageProgress,
) -> tuple[FittedFactors, str]:
    """Fit on the training part and append recall after each epoch; return also what the fit was warm-started from."""
    sample = sampled(all_slice, EPOCH_USERS, settings.seed)
    without_regression = settings.model_copy(update={"cold_item_regression_share": 0.0})

    def measure(epoch: Epoch) -> None:
        # Without the item-item weights, which no epoch changes, and without the regression, which takes time.
        trained = FittedFactors(data, data.train, epoch.users, epoch.items, settings.cold_item_lambda)
        ranking = ranking_of(trained, popularity, without_regression, None)
        recalls.append(recall_at_k(ranking, sample, data.left_out, settings.metric_k))
        progress.pulse(f"{epoch.line(data.train.nnz)}, recall@{settings.metric_k} {recalls[-1]:.4f}")

    checkpoint = warm_start.load_checkpoint(settings, folder, "evaluation", data)
    warm_started_from = folder.record().warm_start_from if checkpoint else "none"
    progress.say(f"warm-started from: {warm_started_from}")
    users, items = fit(data.train, data.user_features, data.item_features, settings, measure, checkpoint)
    warm_start.save_checkpoint(settings, folder, "evaluation", data, checkpoint, (users, items))
    return FittedFactors(data, data.train, users, items, settings.cold_item_lambda), warm_started_from


def _fold_in_metrics(
    fitted: FittedFactors, popularity: Ranking, settings: Settings, item_weights: ItemWeights | None
) -> list[Metric]:
    data, recency = fitted.data, fitted.data.fold_in_recency
    ranking = ranking_of(fitted, popularity, settings, item_weights, recency=recency)
    fold_in = fold_in_slice(recency, data.holdout, data.is_available, settings.seed, data.repeated)
    history = data.train + recency
    left_out = data.without_repeatable(history)
    rankings = {MODEL: ranking, BASELINE: popularity}
    return evaluate(rankings, [fold_in], history, settings.metric_k, left_out).metrics


def _refit_champion(
    textless: TrainingData,
    popularity: Ranking,
    cold_slice: HoldoutSlice,
    folder: RunFolder,
    settings: Settings,
    progress: StageProgress,
) -> tuple[ComparedChampion | None, Ranking | None]:
    champion = find_champion(open_warehouse(settings), folder.record(), settings.metric_k)
    if champion is None:
        return None, None
    recorded = tracking.recorded_parameters(settings, champion.mlflow_run_id)

    def show(epoch: Epoch) -> None:
        progress.pulse(f"champion {champion.publication_id}: {epoch.line(textless.train.nnz)}")

    def data_of(theirs: Settings) -> TrainingData:
        return with_text_features(textless, folder.snapshot_folder, theirs)

    return refit_champion(data_of, popularity, settings, champion, recorded, cold_slice, show)
