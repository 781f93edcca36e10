"""Which warm-start checkpoint a fit of a run starts from, and the one that it leaves.

Used by the stages evaluate_model (fitted on the training part) and fit_model (fitted on everything): a model that is
judged must start from one that never saw what is held out.
"""

from ml.data.training_data import TrainingData
from ml.models.lightfm import Start, epochs_of
from ml.models.warm_start_checkpoint import load, save
from nightjar.contract.artifacts.embeddings import read_manifest
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.warm_start_publication import ON


def of_run(settings: Settings, folder: RunFolder, fit: str, data: TrainingData) -> Start | None:
    """Return what a fit of this run goes on from; None where it begins anew.

    Args:
        settings: of the run.
        folder: its record says which publication it goes on from.
        fit: `evaluation` or `final`.
        data: tonight's features.

    Raises:
        NightjarError: what it goes on from is missing or damaged.
    """
    publication_id = folder.record().warm_start_from
    return load(RunFolder.of(settings.lake, publication_id).start(fit), data, settings) if publication_id else None


def keep(
    settings: Settings, folder: RunFolder, fit: str, data: TrainingData, begun: Start | None, fitted: Start
) -> None:
    """Keep what a fit of this run leaves, if nights go on from each other.

    Args:
        settings: of the run.
        folder: of the run.
        fit: `evaluation` or `final`.
        data: tonight's features.
        begun: what the fit went on from.
        fitted: what it returned.
    """
    if settings.warm_start == ON:
        source = RunFolder.of(settings.lake, folder.record().warm_start_from).start(fit) if begun else None
        before = read_manifest(source)["epochs"] if source else 0
        pairs = data.train if fit == "evaluation" else data.full
        save(folder.start(fit), data, settings, fitted, before + epochs_of(settings, pairs.nnz, begun))
