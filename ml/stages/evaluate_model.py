"""Stage evaluate_model: fit without the holdout, judge on the holdout, beside popularity.

Reads `features/` and `snapshot/`; writes `outputs/model_metrics/`, `plots/` and the MLflow run of the publication.
"""

import math
from dataclasses import asdict

from ml import plots, tracking
from ml.dataset_digest import dataset_digest
from ml.evaluation import BASELINE, MODEL, Evaluation, evaluate, recall_at_k
from ml.holdout_slices import HoldoutSlice, holdout_slices, sampled
from ml.known import embeddings_of
from ml.lightfm_model import Epoch, fit
from ml.output_rows import write_rows
from ml.scoring import popularity_ranking, published_ranking
from ml.training_data import TrainingData, read
from warehouse.progress import StageProgress, stage
from warehouse.recipe import read_recipe
from warehouse.run_folder import RunFolder
from warehouse.settings import Settings, run_parameters

CURVE_USERS = 1_000


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "evaluate_model") as progress:
        progress.unit = "pairs"
        data = read(folder)
        progress.rows = data.train.nnz
        slices = holdout_slices(data.train, data.holdout, data.is_available, settings.seed)
        evaluation, curve = _fit_and_judge(data, slices, settings, progress)
        rows = [asdict(row) | {"value": None if math.isnan(row.value) else row.value} for row in evaluation.metrics]
        write_rows(folder, "model_metrics", rows)
        _draw(folder, evaluation, curve, settings)
        tracking.log_stage(settings, folder, _stage_log(settings, folder, data, evaluation, curve))


def _fit_and_judge(
    data: TrainingData, slices: list[HoldoutSlice], settings: Settings, progress: StageProgress
) -> tuple[Evaluation, list[float]]:
    popularity = popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids))
    watched = sampled(slices[0], CURVE_USERS, settings.seed)
    curve: list[float] = []

    def watch(epoch: Epoch) -> None:
        ranking = published_ranking(embeddings_of(data, data.train, epoch.users, epoch.items), popularity)
        curve.append(recall_at_k(ranking, watched, data.train, settings.metric_k))
        progress.pulse(f"{epoch.line(settings.epochs, data.train.nnz)}, recall@{settings.metric_k} {curve[-1]:.4f}")

    users, items = fit(data.train, data.user_features, data.item_features, settings, watch)
    model = published_ranking(embeddings_of(data, data.train, users, items), popularity)
    evaluation = evaluate({MODEL: model, BASELINE: popularity}, slices, data.train, settings.metric_k)
    for row in evaluation.metrics:
        if row.metric == "recall":
            progress.say(f"{row.model} {row.slice}: recall@{row.k} {row.value:.4f} ({row.users:,} users)")
    return evaluation, curve


def _draw(folder: RunFolder, evaluation: Evaluation, curve: list[float], settings: Settings) -> None:
    figures = folder.path / "plots"
    plots.training_curve(curve, settings.metric_k, figures / "training_curve.png")
    plots.metric_bars(evaluation.metrics, figures / "metrics.png")
    plots.exposure_lorenz(evaluation.exposures, figures / "exposure.png")


def _stage_log(
    settings: Settings, folder: RunFolder, data: TrainingData, evaluation: Evaluation, curve: list[float]
) -> tracking.StageLog:
    record = folder.record()
    figures = {
        f"{row.model}.{row.slice}.{row.metric}" + (f"_at_{row.k}" if row.k else ""): [row.value]
        for row in evaluation.metrics
        if not math.isnan(row.value)
    }
    return tracking.StageLog(
        params=run_parameters(settings)
        | {
            "data_date": record.data_date,
            "as_of": record.interval.as_of.isoformat(),
            "code_version": record.code_version,
            "recipe_name": record.recipe,
            "recipe_sha256": read_recipe(folder.recipe).sha256,
            "dataset_sha256": dataset_digest(folder),
            "users": len(data.user_ids),
            "items": len(data.item_ids),
            "train_pairs": data.train.nnz,
            "holdout_pairs": data.holdout.nnz,
        },
        metrics=figures | {f"epoch.recall_at_{settings.metric_k}": [value for value in curve if value == value]},
        artifacts={"plots": folder.path / "plots"},
    )
