"""How many epochs a run's LightFM is trained: until recall on its choice window no longer improves.

Chosen by evaluate_model, which writes `epochs.json`; fit_model reads it, so that what is published is trained as what
was evaluated. Depends on nothing but the run's own features and settings; docs/decisions/epochs.md says why this rule.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data.training_data import TrainingData
from ml.evaluation.cold_item_weights import read_evaluated
from ml.evaluation.evaluate import recalls_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, sampled
from ml.evaluation.slice_lists import Evaluated
from ml.models.candidate import Candidate
from ml.models.lightfm import Epoch
from nightjar.contract.atomic_files import write_text
from nightjar.contract.settings import FIXED, Settings

# Users of the window whose recall is measured after an epoch.
MAX_USERS = 2_000
# So many epochs are compared with as many before: single ones go up and down.
_EPOCHS = 3
# What improves less, with an allowance for the users being a sample, is not worth further epochs.
_LEAST_IMPROVEMENT = 0.01
_STANDARD_ERRORS = 1.0
# Positive pairs of an item, on average and over all epochs, before which recall may stand still and rise later.
_FEWEST_PAIRS_OF_AN_ITEM = 300


@dataclass(frozen=True)
class ChosenEpochs:
    """The value of the setting `epochs`, and why it is this one.

    Attributes:
        epochs: of each fit of the run from scratch.
        reason: in words.
    """

    epochs: int
    reason: str

    def in_settings(self, settings: Settings) -> Settings:
        """Return the settings with this number, fixed."""
        return settings.model_copy(update={"epochs": self.epochs, "epoch_choice": FIXED})

    def summary(self) -> str:
        """The number in one line."""
        return f"epochs: {self.epochs}, {self.reason}"


@dataclass
class EpochCurve:
    """The recall of some users after each epoch.

    Attributes:
        recalls: (users,) recall@k after each epoch; nan where the user has no truth.
    """

    recalls: list[NDArray[np.float64]] = field(default_factory=list)

    def no_longer_improves(self) -> bool:
        """Whether the mean recall of the last epochs is no more than a little above that of as many before.

        The difference is taken user by user, and its standard error counts as improvement: few users, whose means go up
        and down by chance, end no training early.
        """
        if len(self.recalls) < 2 * _EPOCHS:
            return False
        before, last = (np.mean(self.recalls[place:][:_EPOCHS], axis=0) for place in (-2 * _EPOCHS, -_EPOCHS))
        improvements = (last - before)[np.isfinite(last)]
        if len(improvements) < 2:
            return False
        error = improvements.std(ddof=1) / np.sqrt(len(improvements))
        improvement = improvements.mean() + _STANDARD_ERRORS * error
        return bool(improvement < _LEAST_IMPROVEMENT * np.nanmean(last))


class EpochWatch:
    """Measures a fit on what is before the choice window after each epoch, and ends it.

    Args:
        window: its training part is fitted.
        all_slice: of its holdout, which judges.
        settings: of the fit.
        on_epoch: called after each epoch.

    Attributes:
        chosen: the number of epochs, after the fit.
    """

    def __init__(
        self,
        window: TrainingData,
        all_slice: HoldoutSlice,
        settings: Settings,
        on_epoch: Callable[[Epoch, Candidate], object],
    ) -> None:
        self._sample, self._truth = sampled(all_slice, MAX_USERS, settings.seed), Evaluated.of(window)
        self._settings, self._on_epoch = settings, on_epoch
        items = int((window.train.getnnz(axis=0) > 0).sum())
        fewest_epochs = math.ceil(_FEWEST_PAIRS_OF_AN_ITEM * items / window.train.nnz)
        self._first_measured = fewest_epochs - 2 * _EPOCHS + 1
        self._curve = EpochCurve()
        self.chosen = as_set(settings)

    def after_epoch(self, epoch: Epoch, candidate: Candidate) -> bool:
        """Measure the embeddings alone, which the epochs change; return whether it was the last epoch."""
        self._on_epoch(epoch, candidate)
        if self._settings.epoch_choice == FIXED or epoch.number < self._first_measured:
            return False
        k = self._settings.metric_k
        recalls = recalls_at_k(candidate.embeddings_alone().ranker(), self._sample, self._truth, k)
        self._curve.recalls.append(recalls)
        if not self._curve.no_longer_improves():
            return False
        figures = f"recall@{k} {np.nanmean(recalls):.4f} of {len(recalls):,} users no longer improves"
        self.chosen = ChosenEpochs(epoch.number, figures)
        return True


def as_set(settings: Settings) -> ChosenEpochs:
    """Return the number of the settings."""
    return ChosenEpochs(settings.epochs, "as set")


def save(chosen: ChosenEpochs, file: Path) -> None:
    """Write the number of epochs of a run."""
    write_text(file, json.dumps(asdict(chosen), indent=2))


def load(file: Path) -> ChosenEpochs:
    """Read the number of epochs of a run.

    Raises:
        NightjarError: the file is missing.
    """
    return ChosenEpochs(**read_evaluated(file))
