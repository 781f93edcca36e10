"""Fits one candidate and evaluates it: recall, NDCG and coverage of its top-K lists, and recall after each epoch.

Used by the search on the validation window and by the gates on the run's holdout.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_data import TrainingData
from ml.evaluation.champion_refit import ranking_of
from ml.evaluation.evaluate import exposure_counts, hits_of, recall_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, holdout_slices, sampled
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.recall import recall
from ml.models.cooccurrence import item_weights_of
from ml.models.lightfm import Epoch, Factors, fit
from ml.models.trained_embeddings import FittedFactors
from nightjar.contract.settings import Settings
from nightjar.ranking.scoring import Ranking, best_items, popularity_ranking

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


class _EarlyStop(Exception):
    """Further epochs would not help, or the candidate is given up."""


def search_epochs(
    data: TrainingData, settings: Settings, patience: int | None, should_continue: Callable[[int, float], bool]
) -> Fitted | None:
    """Fit up to `settings.epochs` epochs and evaluate the model after the best of them; None if it was given up.

    Args:
        data: the features, whose holdout is the truth.
        settings: of the candidate.
        patience: epochs without a better recall after which training ends; None for a candidate whose number of
            epochs is given: the last one counts, as in a run.
        should_continue: called with number and recall after each epoch; False gives the candidate up.

    Raises:
        NightjarError: training diverged.
    """
    holdout, rank = _holdout(data, settings), _ranker(data, settings)
    curve_sample = sampled(holdout, CURVE_USERS, settings.seed)
    curve: list[float] = []
    best: list[tuple[int, Factors, Factors]] = []
    is_given_up = False

    def after_epoch(epoch: Epoch) -> None:
        nonlocal is_given_up
        ranking = rank(epoch.users, epoch.items)
        curve.append(recall_at_k(ranking, curve_sample, data.left_out, settings.metric_k))
        if patience is None or curve[-1] > max(curve[:-1], default=-1.0):
            best[:] = [(epoch.number, epoch.users, epoch.items)]
        is_given_up = not should_continue(epoch.number, curve[-1])
        if is_given_up or (patience is not None and epoch.number - best[0][0] >= patience):
            raise _EarlyStop

    with suppress(_EarlyStop):
        fit(data.train, data.user_features, data.item_features, settings, after_epoch)
    if is_given_up or not best:
        return None
    number, users, items = best[0]
    return Fitted(list_metrics(rank(users, items), holdout, data, settings.metric_k), number, curve)


def fit_and_evaluate(data: TrainingData, settings: Settings) -> ListMetrics:
    """Fit as a run does, for all epochs of the settings, and evaluate the top-K lists.

    Raises:
        NightjarError: training diverged.
    """
    users, items = fit(data.train, data.user_features, data.item_features, settings, lambda epoch: None)
    ranking = _ranker(data, settings)(users, items)
    return list_metrics(ranking, _holdout(data, settings), data, settings.metric_k)


def evaluate_popularity(data: TrainingData, settings: Settings) -> ListMetrics:
    """Evaluate the popularity baseline."""
    return list_metrics(_popularity(data), _holdout(data, settings), data, settings.metric_k)


def list_metrics(ranking: Ranking, holdout: HoldoutSlice, data: TrainingData, k: int) -> ListMetrics:
    """Evaluate the top-k lists of a ranking."""
    lists = best_items(ranking, holdout.users, holdout.is_candidate, data.left_out, k)
    hits, sizes = hits_of(lists, holdout.truth), holdout.truth.getnnz(axis=1)
    of_users = {"recall": recall(hits, sizes), "ndcg": ndcg(hits, sizes)}
    return ListMetrics(of_users, coverage(exposure_counts(lists, holdout.is_candidate)))


def _holdout(data: TrainingData, settings: Settings) -> HoldoutSlice:
    return holdout_slices(data.train, data.holdout, data.is_available, settings.seed)[0]


def _ranker(data: TrainingData, settings: Settings) -> Callable[[Factors, Factors], Ranking]:
    """Return a function of factors to the ranking that a publication would have; co-occurrence is fitted once."""
    weights, popularity = item_weights_of(data, data.train, settings), _popularity(data)

    def rank(users: Factors, items: Factors) -> Ranking:
        return ranking_of(
            FittedFactors(data, data.train, users, items, settings.cold_item_lambda), popularity, settings, weights
        )

    return rank


def _popularity(data: TrainingData) -> Ranking:
    return popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids))
