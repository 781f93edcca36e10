"""What a run chooses before it is judged: weights of its sources, those that rank cold items, and epochs.

By fits that saw only what is before the choice window. Pure; used by the stages that evaluate, by the refit of the
champion and by the search, so that all of them choose by one rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ml.data.training_data import TrainingData
from ml.evaluation import blend_weights, cold_item_weights, epoch_choice
from ml.evaluation.blend_weights import ChosenWeights
from ml.evaluation.cold_item_weights import ColdItemWeights
from ml.evaluation.epoch_choice import ChosenEpochs, EpochWatch
from ml.evaluation.holdout_slices import HoldoutSlice, holdout_slices, slice_named
from ml.models.base import LongFit
from ml.models.candidate import NO_LOG, Candidate, fit_candidate, no_report
from ml.models.lightfm import Epoch
from nightjar.contract.beside import beside
from nightjar.contract.settings import FIXED, Settings


@dataclass(frozen=True)
class Choices:
    """The choices of one run.

    Attributes:
        cold_items: weights that rank cold items.
        blend: weights of the sources.
        epochs: of LightFM.
    """

    cold_items: ColdItemWeights
    blend: ChosenWeights
    epochs: ChosenEpochs

    def applied_to(self, candidate: Candidate) -> Candidate:
        """Return the candidate that ranks by them."""
        return candidate.at(self.cold_items.in_settings(candidate.settings)).with_weights(self.blend.weights)

    def summary(self) -> list[str]:
        """The choices of weights in words, a line each."""
        return [self.cold_items.summary(), *self.blend.summary()]


@dataclass(frozen=True)
class WindowFits:
    """Fits on what is before the choice windows.

    Attributes:
        settings: what they fix is not chosen.
        epochs: of the other fits of the run.
        candidates: of each window, the newest first.
        cold_slice: of the holdout of the newest window.
        reason: why nothing else is chosen by them, in words; empty where it is.
    """

    settings: Settings
    epochs: ChosenEpochs
    candidates: Sequence[Candidate]
    cold_slice: HoldoutSlice | None
    reason: str = ""

    def choose(self) -> Choices:
        """Choose the weights by the windows."""
        settings = self.settings
        if self.cold_slice is None:
            own = ColdItemWeights(settings.cold_item_regression_share, settings.cold_item_share, self.reason)
            return Choices(own, ChosenWeights(None, {}, self.reason), self.epochs)
        cold_items = cold_item_weights.choose(self.candidates[0], self.cold_slice)
        if settings.blend_choice == FIXED:
            return Choices(cold_items, ChosenWeights(None, {}, "as set"), self.epochs)
        candidates = [each.at(cold_items.in_settings(settings)) for each in self.candidates]
        return Choices(cold_items, blend_weights.choose(candidates), self.epochs)


def fit_before_windows(
    data: TrainingData,
    settings: Settings,
    on_epoch: Callable[[Epoch, Candidate], None] = no_report,
    log: LongFit = NO_LOG,
) -> WindowFits:
    """Fit on what is before each choice window, and choose the epochs.

    Args:
        data: of the run; its holdout is not looked at.
        settings: what they fix is not chosen.
        on_epoch: called after each epoch of the fit.
        log: of the models whose fit is long.

    Raises:
        NightjarError: training diverged.
    """
    if settings.blend_choice == settings.cold_item_choice == settings.epoch_choice == FIXED:
        return WindowFits(settings, epoch_choice.as_set(settings), [], None, "as set")
    windows = [data.before(each) for each in data.choices]
    windows = [each for each in windows if each.train.nnz > 0]
    if not windows:
        reason = "as set: there is nothing before the window to choose by"
        return WindowFits(settings, epoch_choice.as_set(settings), [], None, reason)
    slices = holdout_slices(windows[0].train, windows[0].holdout, windows[0].is_available, settings.seed)
    watch = EpochWatch(windows[0], slice_named(slices, "all"), settings, on_epoch)
    newest = fit_candidate(windows[0].train_part, settings, watch.after_epoch, log=log)
    older = [] if settings.blend_choice == FIXED else windows[1:]
    same = watch.chosen.in_settings(settings)
    candidates = [newest, *(fit_candidate(each.train_part, same, on_epoch, log=log) for each in older)]
    return WindowFits(settings, watch.chosen, candidates, slice_named(slices, "cold_item"))


def fit_as_a_run(
    data: TrainingData,
    settings: Settings,
    on_epoch: Callable[[Epoch, Candidate], None] = no_report,
    log: LongFit = NO_LOG,
) -> Candidate:
    """Choose, fit on the training part, and return the candidate that ranks by the choices.

    Args:
        data: as of `fit_before_windows`.
        settings: as of `fit_before_windows`.
        on_epoch: called after each epoch of each fit.
        log: as of `fit_before_windows`.

    Raises:
        NightjarError: training diverged.
    """
    fits = fit_before_windows(data, settings, on_epoch, log)
    with beside("the choice of weights", fits.choose) as choices:
        candidate = fit_candidate(data.train_part, fits.epochs.in_settings(settings), on_epoch, log=log)
        return choices().applied_to(candidate)
