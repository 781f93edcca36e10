"""Fits one candidate and evaluates it: recall, NDCG and coverage of its top-K lists, and recall after each epoch.

Used by the search on the validation window and by the gates on the run's holdout.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_data import TrainingData
from ml.evaluation.choices import fit_as_a_run
from ml.evaluation.evaluate import recall_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, holdout_slices, sampled
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.recall import recall
from ml.evaluation.popularity_baseline import best_popularity
from ml.evaluation.slice_lists import Evaluated, exposure_counts, list_values, slice_lists
from ml.models.candidate import Candidate, fit_candidate
from ml.models.lightfm import Epoch
from nightjar.contract.settings import Settings
from nightjar.ranking.ranker import Ranker

CURVE_USERS = 1_000


@dataclass(frozen=True)
class ListMetrics:
    """Metrics of one model's top-K lists.

    Attributes:
        of_users: recall and ndcg, (users,) values at k of each user with truth.
        coverage: fraction of the candidate items that are in any list.
    """

    of_users: dict[str, NDArray[np.float64]]
    coverage: float

    @property
    def users(self) -> int:
        """Number of users with truth."""
        return len(self.of_users["recall"])

    def mean(self, metric: str) -> float:
        """Mean over the users; nan where no user has truth."""
        return float(np.mean(self.of_users[metric])) if self.users else float("nan")

    def by_name(self) -> dict[str, float]:
        """The means of recall and ndcg, and the coverage, by name."""
        return {metric: self.mean(metric) for metric in self.of_users} | {"coverage": self.coverage}


@dataclass(frozen=True)
class Fitted:
    """A candidate after its best epoch.

    Attributes:
        metrics: of its top-K lists after that epoch.
        epochs: the number of that epoch.
        curve: recall@k after each epoch, on a sample of the users.
    """

    metrics: ListMetrics
    epochs: int
    curve: list[float]


def search_epochs(
    data: TrainingData, settings: Settings, patience: int | None, should_continue: Callable[[int, float], bool]
) -> Fitted | None:
    """Fit up to `settings.epochs` epochs and evaluate the model after the best of them; None if it was given up.

    Args:
        data: the features, whose holdout is the truth.
        settings: of the candidate.
        patience: epochs without a better recall after which training ends; None for a candidate whose number of
            epochs is given: the last one counts.
        should_continue: called with number and recall after each epoch; False gives the candidate up.

    Raises:
        NightjarError: training diverged.
    """
    holdout, truth = _holdout(data, settings), Evaluated.of(data)
    curve_sample = sampled(holdout, CURVE_USERS, settings.seed)
    curve: list[float] = []
    best: list[tuple[int, Candidate]] = []
    is_given_up = False

    def after_epoch(epoch: Epoch, candidate: Candidate) -> bool:
        nonlocal is_given_up
        curve.append(recall_at_k(candidate.ranker(), curve_sample, truth, settings.metric_k))
        if patience is None or curve[-1] > max(curve[:-1], default=-1.0):
            best[:] = [(epoch.number, candidate)]
        is_given_up = not should_continue(epoch.number, curve[-1])
        return is_given_up or (patience is not None and epoch.number - best[0][0] >= patience)

    fit_candidate(data.train_part, settings, after_epoch)
    if is_given_up or not best:
        return None
    number, candidate = best[0]
    return Fitted(list_metrics(candidate.ranker(), holdout, truth, settings.metric_k), number, curve)


def fit_and_evaluate(data: TrainingData, settings: Settings) -> ListMetrics:
    """Fit as a run does, for all epochs of the settings, and evaluate the top-K lists.

    Raises:
        NightjarError: training diverged.
    """
    ranker = fit_as_a_run(data, settings).ranker()
    return list_metrics(ranker, _holdout(data, settings), Evaluated.of(data), settings.metric_k)


def evaluate_popularity(data: TrainingData, settings: Settings) -> ListMetrics:
    """Evaluate the popularity baseline."""
    holdout, truth = _holdout(data, settings), Evaluated.of(data)
    sample = sampled(holdout, CURVE_USERS, settings.seed)
    _, ranker = best_popularity(data.train_part, sample, truth, settings.metric_k)
    return list_metrics(ranker, holdout, truth, settings.metric_k)


def list_metrics(ranker: Ranker, holdout: HoldoutSlice, truth: Evaluated, k: int) -> ListMetrics:
    """Evaluate the top-k lists of a ranker."""
    (lists,) = slice_lists(ranker, [holdout], truth.left_out, k)
    of_users = list_values(lists, holdout, truth.domains, {"recall": recall, "ndcg": ndcg})
    return ListMetrics(of_users, coverage(exposure_counts(lists, holdout.is_candidate)))


def _holdout(data: TrainingData, settings: Settings) -> HoldoutSlice:
    return holdout_slices(data.train, data.holdout, data.is_available, settings.seed)[0]
