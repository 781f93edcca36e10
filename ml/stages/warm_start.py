"""A fit of a run, with the warm-start checkpoint that it starts from and the one that it leaves.

Used by the stages evaluate_model (fitted on the training part) and fit_model (fitted on everything): a model that is
evaluated must start from one that never saw what is held out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ml.data.training_data import TrainingData
from ml.evaluation.epoch_choice import ChosenEpochs
from ml.models.base import LongFit, NamedArrays
from ml.models.candidate import Candidate, fit_candidate
from ml.models.lightfm import Epoch, epochs_of
from ml.models.warm_start_checkpoint import Checkpoint, load, save
from nightjar.contract.artifacts.embeddings import read_manifest
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.warm_start_publication import ON


@dataclass(frozen=True)
class RunFit:
    """One of the two fits of a run that runs of later dates may start from.

    Attributes:
        settings: of the run.
        folder: of the run; its record names the publication to warm-start from.
        name: `evaluation`, on the training part, or `final`, on everything.
        data: features of this run.
        epochs: of a fit from scratch.
        checkpoint: from which it starts; None: from scratch.
    """

    settings: Settings
    folder: RunFolder
    name: str
    data: TrainingData
    epochs: ChosenEpochs
    checkpoint: Checkpoint | None

    @classmethod
    def of(cls, settings: Settings, folder: RunFolder, name: str, data: TrainingData, epochs: ChosenEpochs) -> "RunFit":
        """Return the fit with its checkpoint loaded.

        Raises:
            NightjarError: the checkpoint is missing or damaged.
        """
        checkpoint = None
        if folder.record().warm_start_from:
            checkpoint = load(_earlier(settings, folder, name), data, settings)
        return cls(settings, folder, name, data, epochs, checkpoint)

    def run(
        self, on_epoch: Callable[[Epoch, Candidate], None], on_source: Callable[[str, float], None], log: LongFit
    ) -> Candidate:
        """Fit all models, and save the checkpoint of the fit, if runs are warm-started.

        Args:
            on_epoch: as of `fit_candidate`.
            on_source: as of `fit_candidate`.
            log: of the models whose fit is long.

        Raises:
            NightjarError: training diverged.
        """
        part = self.data.train_part if self.name == "evaluation" else self.data.full_part
        left: dict[str, NamedArrays] = {}
        log = replace(log, starts=self.checkpoint.others if self.checkpoint else {}, leave=left.__setitem__)
        lightfm = self.checkpoint.lightfm if self.checkpoint else None
        settings = self.epochs.in_settings(self.settings)
        candidate = fit_candidate(part, settings, on_epoch, lightfm, on_source, log)
        if self.settings.warm_start == ON:
            epochs = epochs_of(settings, part.pairs.nnz, lightfm)
            if self.checkpoint:
                epochs += read_manifest(_earlier(self.settings, self.folder, self.name))["epochs"]
            own = self.folder.warm_start_checkpoint(self.name)
            save(own, self.data, self.settings, Checkpoint(candidate.checkpoint, left), epochs)
        return candidate


def _earlier(settings: Settings, folder: RunFolder, name: str) -> Path:
    return RunFolder.of(settings.lake, folder.record().warm_start_from).warm_start_checkpoint(name)
