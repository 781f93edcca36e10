"""What the stage evaluate_model leaves besides metrics: plots in the run folder, and its part of the MLflow run.

Reads the run's record, snapshot and tuned configuration; writes `plots/`.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from ml.data.dataset_digest import dataset_digest
from ml.data.text_model import text_model_digest
from ml.data.training_data import TrainingData
from ml.evaluation import plots
from ml.evaluation.cold_item_weights import ColdItemWeights
from ml.evaluation.evaluate import Evaluation
from ml.evaluation.popularity_curve import CurvePoint
from ml.evaluation.results import ComparedChampion
from ml.tracking import StageLog
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings, run_parameters
from nightjar.contract.tuned_configuration import read_tuned_configuration
from nightjar.publishing import event_types


@dataclass(frozen=True)
class EvaluatedModel:
    """The evaluation of one run's model.

    Attributes:
        evaluation: metrics of the model, of popularity and of the refit of the champion.
        recalls: recall@k after each epoch, on a sample of the holdout.
        popularity_curve: metrics by popularity weight.
        compared_champion: None where no earlier date has a publication.
        warm_started_from: id of a publication, or `none`.
        cold_item_weights: chosen on the holdout.
    """

    evaluation: Evaluation
    recalls: list[float]
    popularity_curve: list[CurvePoint]
    compared_champion: ComparedChampion | None
    warm_started_from: str
    cold_item_weights: ColdItemWeights


def draw_plots(folder: RunFolder, evaluated: EvaluatedModel, settings: Settings) -> None:
    """Draw every plot of the evaluation into the run folder."""
    target = folder.path / "plots"
    plots.training_curve(evaluated.recalls, settings.metric_k, target / "training_curve.png")
    plots.metric_bars(evaluated.evaluation.metrics, target / "metrics.png")
    plots.exposure_lorenz(evaluated.evaluation.exposures, target / "exposure.png")
    plots.popularity_trade_off(evaluated.popularity_curve, settings.metric_k, target / "popularity_weight.png")


def evaluation_log(settings: Settings, folder: RunFolder, data: TrainingData, evaluated: EvaluatedModel) -> StageLog:
    """Return what MLflow keeps of the stage; `draw_plots` comes first."""
    recalls = [value for value in evaluated.recalls if not math.isnan(value)]
    return StageLog(
        params=_parameters(settings, folder, data, evaluated),
        metrics=_metrics(evaluated.evaluation) | {f"epoch.recall_at_{settings.metric_k}": recalls},
        artifacts={"plots": folder.path / "plots"} | _event_types(folder),
    )


def _parameters(
    settings: Settings, folder: RunFolder, data: TrainingData, evaluated: EvaluatedModel
) -> dict[str, object]:
    record = folder.record()
    return run_parameters(settings) | {
        "data_date": record.data_date,
        "as_of": record.interval.as_of.isoformat(),
        "code_version": record.code_version,
        "recipe_name": record.recipe,
        "warm_start_from": evaluated.warm_started_from,
        "chosen_cold_item_share": evaluated.cold_item_weights.blend_weight,
        "chosen_cold_item_regression_share": evaluated.cold_item_weights.regression_weight,
        "recipe_sha256": read_tuned_configuration(folder.tuned_configuration).sha256,
        "dataset_sha256": dataset_digest(folder.snapshot_folder),
        "text_model_sha256": text_model_digest(settings.text_model),
        "users": len(data.user_ids),
        "items": len(data.item_ids),
        "train_pairs": data.train.nnz,
        "train_epochs": len(evaluated.recalls),
        "holdout_pairs": data.holdout.nnz,
    }


def _metrics(evaluation: Evaluation) -> dict[str, list[float]]:
    return {
        # MLflow allows no `>` in a name, nor other characters that a domain's name may contain.
        re.sub(r"[^\w\-. :/]", "_", f"{row.model}.{row.slice}.{row.metric}") + (f"_at_{row.k}" if row.k else ""): [
            row.value
        ]
        for row in evaluation.metrics
        if not math.isnan(row.value)
    }


def _event_types(folder: RunFolder) -> dict[str, Path]:
    # A snapshot that an earlier version unloaded has no such file.
    path = event_types.path_in(folder)
    return {"event_types": path} if path.exists() else {}
