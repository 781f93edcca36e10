"""Writes what an evaluation leaves: rows, results for the gates, plots, and its part of the MLflow run.

Reads the run's record, snapshot and tuned configuration; writes `outputs/model_metrics/`, `evaluation/`,
`cold_items.json`, `blend_weights.json`, `epochs.json` and `plots/`. Used by the stage evaluate_model.
"""

import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from ml import tracking
from ml.data.dataset_digest import dataset_digest
from ml.data.text_model import text_model_digest
from ml.evaluation import blend_weights, cold_item_weights, epoch_choice, plots, results
from ml.evaluation.choices import Choices
from ml.evaluation.evaluate import Metric
from ml.evaluation.judge import Judgement
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.models.candidate import Candidate
from ml.stages.fit_on_train import TrainFit
from ml.tracking import StageLog
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings, run_parameters
from nightjar.contract.tuned_configuration import read_tuned_configuration
from nightjar.publishing import event_types
from nightjar.publishing.output_rows import write_rows


@dataclass(frozen=True)
class EvaluatedModel:
    """The evaluation of one run's model.

    Attributes:
        fit: on the training part.
        choices: made on the choice window.
        compared_champion: None where no earlier date has a publication.
        judgement: of the holdout.
    """

    fit: TrainFit
    choices: Choices
    compared_champion: ComparedChampion | None
    judgement: Judgement


def write_evaluation(settings: Settings, folder: RunFolder, evaluated: EvaluatedModel) -> None:
    """Write rows, results, plots and the MLflow run of an evaluation."""
    metrics = evaluated.judgement.metrics
    rows = [asdict(row) | {"value": None if math.isnan(row.value) else row.value} for row in metrics]
    write_rows(folder, "model_metrics", rows)
    coverage = {row.model: row.value for row in metrics if (row.slice, row.metric) == ("all", "coverage")}
    cold_item_weights.save(evaluated.choices.cold_items, folder.cold_items)
    blend_weights.save(evaluated.choices.blend, folder.blend_weights)
    epoch_choice.save(evaluated.choices.epochs, folder.epochs)
    of_users = evaluated.judgement.evaluation.of_users
    results.save(EvaluationResults(of_users, coverage, evaluated.compared_champion), folder.evaluation)
    _draw_plots(folder, evaluated, settings)
    tracking.log_stage(settings, folder, _log(settings, folder, evaluated))


def _draw_plots(folder: RunFolder, evaluated: EvaluatedModel, settings: Settings) -> None:
    target, judgement = folder.path / "plots", evaluated.judgement
    plots.training_curve(evaluated.fit.recalls, settings.metric_k, target / "training_curve.png")
    plots.metric_bars(judgement.evaluation.metrics, target / "metrics.png")
    plots.source_bars(judgement.of_sources, judgement.evaluation.metrics, target / "sources.png")
    plots.exposure_lorenz(judgement.evaluation.exposures, target / "exposure.png")
    plots.popularity_trade_off(judgement.popularity_curve, settings.metric_k, target / "popularity_weight.png")


def _log(settings: Settings, folder: RunFolder, evaluated: EvaluatedModel) -> StageLog:
    recalls = [value for value in evaluated.fit.recalls if not math.isnan(value)]
    return StageLog(
        params=_parameters(settings, folder, evaluated),
        metrics=_metrics(evaluated.judgement.metrics) | {f"epoch.recall_at_{settings.metric_k}": recalls},
        artifacts={"plots": folder.path / "plots"} | _event_types(folder),
    )


def _parameters(settings: Settings, folder: RunFolder, evaluated: EvaluatedModel) -> dict[str, object]:
    record, data = folder.record(), evaluated.fit.candidate.part.data
    return run_parameters(settings) | {
        "data_date": record.data_date,
        "as_of": record.interval.as_of.isoformat(),
        "code_version": record.code_version,
        "recipe_name": record.recipe,
        "warm_start_from": evaluated.fit.warm_started_from,
        "chosen_epochs": evaluated.choices.epochs.epochs,
        "chosen_cold_item_share": evaluated.choices.cold_items.blend_weight,
        "chosen_cold_item_regression_share": evaluated.choices.cold_items.regression_weight,
        **_blend_weights(evaluated.fit.candidate, evaluated.choices),
        "recipe_sha256": read_tuned_configuration(folder.tuned_configuration).sha256,
        "dataset_sha256": dataset_digest(folder.snapshot_folder),
        "text_model_sha256": text_model_digest(settings.text_model),
        "users": len(data.user_ids),
        "items": len(data.item_ids),
        "train_pairs": data.train.nnz,
        "train_epochs": len(evaluated.fit.recalls),
        "holdout_pairs": data.holdout.nnz,
    }


def _blend_weights(candidate: Candidate, choices: Choices) -> dict[str, float]:
    weights = choices.applied_to(candidate).weights
    return {
        f"blend_weight.{users}.{source}": weight
        for users, of_sources in weights.of.items()
        for source, weight in of_sources.items()
        if weight > 0
    }


def _metrics(metrics: list[Metric]) -> dict[str, list[float]]:
    return {
        # MLflow allows no `>` in a name, nor other characters that a domain's name may contain.
        re.sub(r"[^\w\-. :/]", "_", f"{row.model}.{row.slice}.{row.metric}") + (f"_at_{row.k}" if row.k else ""): [
            row.value
        ]
        for row in metrics
        if not math.isnan(row.value)
    }


def _event_types(folder: RunFolder) -> dict[str, Path]:
    # A snapshot that an earlier version unloaded has no such file.
    path = event_types.path_in(folder)
    return {"event_types": path} if path.exists() else {}
