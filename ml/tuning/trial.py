"""Trains one candidate and judges it: recall, NDCG and coverage of its lists, and recall after each epoch.

Used by the search on the validation window and by the verdict on the night's holdout.
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
class Judged:
    """What the lists of one model are worth.

    Attributes:
        of_users: recall and ndcg, (users,) values at k of each user with truth.
        coverage: share of the candidate items that are in any list.
    """

    of_users: dict[str, NDArray[np.float64]]
    coverage: float

    @property
    def users(self) -> int:
        """Number of users with truth."""
        return len(self.of_users["recall"])

    def mean(self, metric: str) -> float:
        """Mean over the users; nan where nobody has truth."""
        return float(np.mean(self.of_users[metric])) if self.users else float("nan")

    def figures(self) -> dict[str, float]:
        """The three figures by name."""
        return {metric: self.mean(metric) for metric in self.of_users} | {"coverage": self.coverage}


@dataclass(frozen=True)
class Fitted:
    """A trained candidate after its best epoch.

    Attributes:
        judged: its lists after that epoch.
        epochs: the number of that epoch.
        curve: recall@k after each epoch, on a sample of the users.
    """

    judged: Judged
    epochs: int
    curve: list[float]


class _Enough(Exception):
    """Further epochs would not help."""


def search_epochs(
    data: TrainingData, settings: Settings, patience: int | None, may_go_on: Callable[[int, float], bool]
) -> Fitted | None:
    """Train up to `settings.epochs` epochs and judge the model after the best of them; None if it was given up.

    Args:
        data: the features, whose holdout is the truth.
        settings: of the candidate.
        patience: epochs without a better recall after which training ends; None for a candidate whose number of
            epochs is given: the last one counts, as in a night.
        may_go_on: asked with number and recall after each epoch; where it says no, the candidate is given up.

    Raises:
        NightjarError: training diverged.
    """
    question, rank = _question(data, settings), _ranker(data, settings)
    watched = sampled(question, CURVE_USERS, settings.seed)
    curve: list[float] = []
    best: list[tuple[int, Factors, Factors]] = []
    is_given_up = False

    def watch(epoch: Epoch) -> None:
        nonlocal is_given_up
        ranking = rank(epoch.users, epoch.items)
        curve.append(recall_at_k(ranking, watched, data.left_out, settings.metric_k))
        if patience is None or curve[-1] > max(curve[:-1], default=-1.0):
            best[:] = [(epoch.number, epoch.users, epoch.items)]
        is_given_up = not may_go_on(epoch.number, curve[-1])
        if is_given_up or (patience is not None and epoch.number - best[0][0] >= patience):
            raise _Enough

    with suppress(_Enough):
        fit(data.train, data.user_features, data.item_features, settings, watch)
    if is_given_up or not best:
        return None
    number, users, items = best[0]
    return Fitted(judge(rank(users, items), question, data, settings.metric_k), number, curve)


def train_and_judge(data: TrainingData, settings: Settings) -> Judged:
    """Train as a night does, for all epochs of the settings, and judge the lists.

    Raises:
        NightjarError: training diverged.
    """
    users, items = fit(data.train, data.user_features, data.item_features, settings, lambda epoch: None)
    ranking = _ranker(data, settings)(users, items)
    return judge(ranking, _question(data, settings), data, settings.metric_k)


def judge_popularity(data: TrainingData, settings: Settings) -> Judged:
    """Judge the lists of the popularity baseline."""
    return judge(_popularity(data), _question(data, settings), data, settings.metric_k)


def judge(ranking: Ranking, question: HoldoutSlice, data: TrainingData, k: int) -> Judged:
    """Judge the lists of a ranking."""
    lists = best_items(ranking, question.users, question.is_candidate, data.left_out, k)
    hits, sizes = hits_of(lists, question.truth), question.truth.getnnz(axis=1)
    of_users = {"recall": recall(hits, sizes), "ndcg": ndcg(hits, sizes)}
    return Judged(of_users, coverage(exposure_counts(lists, question.is_candidate)))


def _question(data: TrainingData, settings: Settings) -> HoldoutSlice:
    return holdout_slices(data.train, data.holdout, data.is_available, settings.seed)[0]


def _ranker(data: TrainingData, settings: Settings) -> Callable[[Factors, Factors], Ranking]:
    """Return what turns factors into the ranking that a publication would have; co-occurrence is fitted once."""
    weights, popularity = item_weights_of(data, data.train, settings), _popularity(data)

    def rank(users: Factors, items: Factors) -> Ranking:
        return ranking_of(
            FittedFactors(data, data.train, users, items, settings.cold_item_lambda), popularity, settings, weights
        )

    return rank


def _popularity(data: TrainingData) -> Ranking:
    return popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids))
