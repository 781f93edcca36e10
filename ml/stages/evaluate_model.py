"""Stage evaluate_model: fit on the training part, judge on the holdout beside popularity and the champion's recipe.

Reads `features/`, `snapshot/`, the ledger and the champion's MLflow run, and what it may go on from; writes
`outputs/model_metrics/`, `evaluation/`, `cold_items.json`, `start/evaluation/`, `plots/` and the MLflow run of the
publication.
"""

import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from ml import tracking
from ml.data import text_model
from ml.data.dataset_digest import dataset_digest
from ml.data.text_features import with_text
from ml.data.training_data import TrainingData, read
from ml.evaluation import cold_item_weights, plots, results
from ml.evaluation.champion_refit import meet, ranking_of
from ml.evaluation.cold_item_weights import ColdItemChoice
from ml.evaluation.cross_domain_slices import cross_domain_slices
from ml.evaluation.evaluate import BASELINE, CHAMPION, MODEL, Evaluation, Metric, evaluate, recall_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, fold_in_slice, holdout_slices, named, sampled
from ml.evaluation.popularity_curve import CurvePoint, popularity_curve
from ml.evaluation.results import Contest, Opponent
from ml.models.cooccurrence import item_weights_of
from ml.models.lightfm import Epoch, fit
from ml.models.trained_embeddings import Fit
from ml.stages import warm_start
from ml.stages.find_champion import find_champion
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.progress import StageProgress, stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings, run_parameters
from nightjar.contract.tuned_configuration import read_tuned_configuration
from nightjar.publishing import event_types
from nightjar.publishing.output_rows import write_rows
from nightjar.ranking.scoring import Ranking, popularity_ranking
from nightjar.warehouse.engines import open_warehouse

CURVE_USERS = 1_000
TRADE_OFF_USERS = 5_000


@dataclass(frozen=True)
class _Judged:
    """The night's evaluation, recall by epoch, the popularity curve, the champion, and what the model was made with."""

    evaluation: Evaluation
    curve: list[float]
    trade_off: list[CurvePoint]
    opponent: Opponent | None
    begun_from: str
    cold_items: ColdItemChoice


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "evaluate_model") as progress:
        progress.unit = "pairs"
        data = read(folder)
        progress.rows = data.train.nnz
        judged = _fit_and_judge(data, folder, settings, progress)
        metrics = judged.evaluation.metrics
        rows = [asdict(row) | {"value": None if math.isnan(row.value) else row.value} for row in metrics]
        write_rows(folder, "model_metrics", rows)
        coverage = {row.model: row.value for row in metrics if (row.slice, row.metric) == ("all", "coverage")}
        cold_item_weights.save(judged.cold_items, folder)
        results.save(Contest(judged.evaluation.of_users, coverage, judged.opponent), folder)
        _draw(folder, judged, settings)
        tracking.log_stage(settings, folder, _stage_log(settings, folder, data, judged))


def _fit_and_judge(textless: TrainingData, folder: RunFolder, settings: Settings, progress: StageProgress) -> _Judged:
    data = with_text(textless, folder, settings)
    popularity, k = popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids)), settings.metric_k
    slices = [
        *holdout_slices(data.train, data.holdout, data.is_available, settings.seed),
        *cross_domain_slices(data.train, data.holdout, data.item_domains, data.is_available, settings.seed),
    ]
    watched = sampled(slices[0], CURVE_USERS, settings.seed)
    unmixed = settings.model_copy(update={"cold_item_regression_share": 0.0})
    curve: list[float] = []

    def watch(epoch: Epoch) -> None:
        # Without the item-item weights, which no epoch changes, and without the regression, which takes its time.
        trained = Fit(data, data.train, epoch.users, epoch.items, settings.cold_item_lambda)
        ranking = ranking_of(trained, popularity, unmixed, None)
        curve.append(recall_at_k(ranking, watched, data.left_out, k))
        progress.pulse(f"{epoch.line(data.train.nnz)}, recall@{k} {curve[-1]:.4f}")

    begun = warm_start.of_run(settings, folder, "evaluation", data)
    begun_from = folder.record().warm_start_from if begun else "none"
    progress.say(f"training goes on from: {begun_from}")
    users, items = fit(data.train, data.user_features, data.item_features, settings, watch, begun)
    warm_start.keep(settings, folder, "evaluation", data, begun, (users, items))
    weights = item_weights_of(data, data.train, settings)
    fitted = Fit(data, data.train, users, items, settings.cold_item_lambda)
    cold_slice = named(slices, "cold_item")
    cold_items = cold_item_weights.choose(fitted, cold_slice, popularity, settings, weights)
    progress.say(cold_items.says())
    chosen, weights = cold_items.over(settings), cold_items.of(weights)

    def at(popularity_weight: float) -> Ranking:
        dialled = chosen.model_copy(update={"popularity_weight": popularity_weight})
        return ranking_of(fitted, popularity, dialled, weights)

    rankings = {MODEL: at(settings.popularity_weight), BASELINE: popularity}
    opponent, champions = _meet_champion(textless, popularity, cold_slice, folder, settings, progress)
    if champions is not None:
        rankings[CHAMPION] = champions
    evaluation = evaluate(rankings, slices, data.train, k, data.left_out)
    evaluation.metrics.extend(_folded_in(fitted, popularity, chosen, weights))
    for row in evaluation.metrics:
        if row.metric == "recall":
            progress.say(f"{row.model} {row.slice}: recall@{row.k} {row.value:.4f} ({row.users:,} users)")
    asked = sampled(slices[0], TRADE_OFF_USERS, settings.seed)
    trade_off = popularity_curve(at, asked, data.train, k, left_out=data.left_out)
    return _Judged(evaluation, curve, trade_off, opponent, begun_from, cold_items)


def _folded_in(fitted: Fit, popularity: Ranking, settings: Settings, weights: ItemWeights | None) -> list[Metric]:
    data = fitted.data
    folded = ranking_of(fitted, popularity, settings, weights, recency=data.shown)
    question = fold_in_slice(data.shown, data.holdout, data.is_available, settings.seed, data.repeated)
    known = data.train + data.shown
    left_out = data.without_repeatable(known)
    return evaluate({MODEL: folded, BASELINE: popularity}, [question], known, settings.metric_k, left_out).metrics


def _meet_champion(
    textless: TrainingData,
    popularity: Ranking,
    cold_slice: HoldoutSlice,
    folder: RunFolder,
    settings: Settings,
    progress: StageProgress,
) -> tuple[Opponent | None, Ranking | None]:
    champion = find_champion(open_warehouse(settings), folder.record(), settings.metric_k)
    if champion is None:
        return None, None
    recorded = tracking.recorded_parameters(settings, champion.mlflow_run_id)

    def tell(epoch: Epoch) -> None:
        progress.pulse(f"champion {champion.publication_id}: {epoch.line(textless.train.nnz)}")

    def data_of(theirs: Settings) -> TrainingData:
        return with_text(textless, folder, theirs)

    return meet(data_of, popularity, settings, champion, recorded, cold_slice, tell)


def _draw(folder: RunFolder, judged: _Judged, settings: Settings) -> None:
    figures = folder.path / "plots"
    plots.training_curve(judged.curve, settings.metric_k, figures / "training_curve.png")
    plots.metric_bars(judged.evaluation.metrics, figures / "metrics.png")
    plots.exposure_lorenz(judged.evaluation.exposures, figures / "exposure.png")
    plots.popularity_trade_off(judged.trade_off, settings.metric_k, figures / "popularity_weight.png")


def _stage_log(settings: Settings, folder: RunFolder, data: TrainingData, judged: _Judged) -> tracking.StageLog:
    record = folder.record()
    figures = {
        # MLflow takes no `>`, nor what else the name of a domain may hold.
        re.sub(r"[^\w\-. :/]", "_", f"{row.model}.{row.slice}.{row.metric}") + (f"_at_{row.k}" if row.k else ""): [
            row.value
        ]
        for row in judged.evaluation.metrics
        if not math.isnan(row.value)
    }
    return tracking.StageLog(
        params=run_parameters(settings)
        | {
            "data_date": record.data_date,
            "as_of": record.interval.as_of.isoformat(),
            "code_version": record.code_version,
            "recipe_name": record.recipe,
            "warm_start_from": judged.begun_from,
            "chosen_cold_item_share": judged.cold_items.share,
            "chosen_cold_item_regression_share": judged.cold_items.regression_share,
            "recipe_sha256": read_tuned_configuration(folder.tuned_configuration).sha256,
            "dataset_sha256": dataset_digest(folder),
            "text_model_sha256": text_model.digest(settings.text_model),
            "users": len(data.user_ids),
            "items": len(data.item_ids),
            "train_pairs": data.train.nnz,
            "train_epochs": len(judged.curve),
            "holdout_pairs": data.holdout.nnz,
        },
        metrics=figures | {f"epoch.recall_at_{settings.metric_k}": [value for value in judged.curve if value == value]},
        artifacts={"plots": folder.path / "plots"} | _event_types(folder),
    )


def _event_types(folder: RunFolder) -> dict[str, Path]:
    # A snapshot of an earlier version that was taken over has no such file.
    path = event_types.path_in(folder)
    return {"event_types": path} if path.exists() else {}
