"""Fits the model that is evaluated, on the training part, and measures its recall after each epoch.

Reads and writes the warm-start checkpoint `start/evaluation/`; used by the stage evaluate_model.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ml.data.training_data import TrainingData
from ml.evaluation.epoch_choice import ChosenEpochs
from ml.evaluation.evaluate import recall_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, sampled
from ml.evaluation.slice_lists import Evaluated
from ml.models.base import LongFit
from ml.models.candidate import Candidate
from ml.models.lightfm import Epoch
from ml.stages.warm_start import RunFit
from nightjar.contract.progress import StageProgress
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings

# Users of the sample on which recall after each epoch is measured.
EPOCH_USERS = 1_000


@dataclass(frozen=True)
class TrainFit:
    """The fit on the training part.

    Attributes:
        candidate: what was fitted.
        recalls: recall@k of its embeddings alone after each epoch, on a sample of the holdout.
        warm_started_from: id of a publication, or `none`.
    """

    candidate: Candidate
    recalls: list[float]
    warm_started_from: str


def fit_line(progress: StageProgress) -> Callable[[str, float], None]:
    """Return what says that a model beside LightFM is fitted."""
    return lambda name, seconds: progress.say(f"{name}: fitted in {seconds:.1f} s")


def fit_pulse(what: str, progress: StageProgress) -> Callable[[Epoch, Candidate], None]:
    """Return what says how far a fit is."""
    return lambda epoch, candidate: progress.pulse(f"{what}: {epoch.line(candidate.part.pairs.nnz)}")


def fit_on_train(
    data: TrainingData,
    all_slice: HoldoutSlice,
    folder: RunFolder,
    settings: Settings,
    epochs: ChosenEpochs,
    progress: StageProgress,
    log: LongFit,
) -> TrainFit:
    """Fit all models on the training part.

    Raises:
        NightjarError: training diverged, or the checkpoint is missing or damaged.
    """
    sample, truth = sampled(all_slice, EPOCH_USERS, settings.seed), Evaluated.of(data)
    recalls: list[float] = []

    def measure(epoch: Epoch, candidate: Candidate) -> None:
        # Without the other sources, which no epoch changes.
        ranker = candidate.embeddings_alone().ranker()
        recalls.append(recall_at_k(ranker, sample, truth, settings.metric_k))
        progress.pulse(f"{epoch.line(data.train.nnz)}, recall@{settings.metric_k} {recalls[-1]:.4f}")

    fit = RunFit.of(settings, folder, "evaluation", data, epochs)
    warm_started_from = folder.record().warm_start_from if fit.checkpoint else "none"
    progress.say(f"warm-started from: {warm_started_from}")
    candidate = fit.run(measure, fit_line(progress), log)
    return TrainFit(candidate, recalls, warm_started_from)
