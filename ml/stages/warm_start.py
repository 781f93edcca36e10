"""Which warm-start checkpoint a fit of a run starts from, and the one that it leaves.

Used by the stages evaluate_model (fitted on the training part) and fit_model (fitted on everything): a model that is
evaluated must start from one that never saw what is held out.
"""

from pathlib import Path

from ml.data.training_data import TrainingData
from ml.models.lightfm import WarmStartCheckpoint, epochs_of
from ml.models.warm_start_checkpoint import load, save
from nightjar.contract.artifacts.embeddings import read_manifest
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.warm_start_publication import ON


def load_checkpoint(settings: Settings, folder: RunFolder, fit: str, data: TrainingData) -> WarmStartCheckpoint | None:
    """Return the checkpoint from which a fit of this run starts; None where it trains from scratch.

    Args:
        settings: of the run.
        folder: its record names the publication to warm-start from.
        fit: `evaluation` or `final`.
        data: features of this run.

    Raises:
        NightjarError: the checkpoint is missing or damaged.
    """
    return load(_source(settings, folder, fit), data, settings) if folder.record().warm_start_from else None


def save_checkpoint(
    settings: Settings,
    folder: RunFolder,
    fit: str,
    data: TrainingData,
    checkpoint: WarmStartCheckpoint | None,
    fitted: WarmStartCheckpoint,
) -> None:
    """Save the checkpoint of a fit of this run, if runs are warm-started.

    Args:
        settings: of the run.
        folder: of the run.
        fit: `evaluation` or `final`.
        data: features of this run.
        checkpoint: from which the fit started.
        fitted: what the fit returned.
    """
    if settings.warm_start == ON:
        before = read_manifest(_source(settings, folder, fit))["epochs"] if checkpoint else 0
        pairs = data.train if fit == "evaluation" else data.full
        epochs = before + epochs_of(settings, pairs.nnz, checkpoint)
        save(folder.warm_start_checkpoint(fit), data, settings, fitted, epochs)


def _source(settings: Settings, folder: RunFolder, fit: str) -> Path:
    return RunFolder.of(settings.lake, folder.record().warm_start_from).warm_start_checkpoint(fit)
