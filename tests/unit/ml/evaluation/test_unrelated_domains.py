"""Two made-up pairs of domains: the lists are never significantly below the best source alone, for any users.

In one, what a user likes in the first domain says nothing of the second, where few items are taken by most; in the
other it says a little. Few users have both: what they have in common is chance.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import ChoiceWindow, TrainingData
from ml.evaluation.choices import Choices, fit_before_windows
from ml.evaluation.cross_domain_slices import cross_domain_slices
from ml.evaluation.evaluate import recalls_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, holdout_slices, slice_named
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.slice_lists import Evaluated
from ml.models.candidate import Candidate, fit_candidate
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN
from nightjar.contract.settings import FIXED, Settings
from tests.support.small_training_data import training_data

SETTINGS = Settings(epochs=5, embedding_dim=8, cold_item_choice=FIXED, metric_k=5, seed=3)
SOURCE, TARGET, TASTES = 60, 40, 4
ITEMS = SOURCE + TARGET
# Lists that judge: fewer than in a run, so that a fit and its choice take seconds.
LISTS = 150
# Items of each domain that a user takes, and how many users have which domains.
OF_DOMAIN = 7
BOTH, TARGET_ALONE, NEW_IN_WINDOW, NEW_IN_HOLDOUT = 40, 160, 80, 120
USERS = BOTH + TARGET_ALONE + NEW_IN_WINDOW + NEW_IN_HOLDOUT


def consumed(relation: float) -> NDArray[np.int64]:
    """Return what each user takes of both domains, oldest first: (users, 14) items, the source's first.

    Args:
        relation: fraction of the target's items that a user takes by their taste, the others by popularity alone.
    """
    draw = np.random.default_rng(11)
    popularity = 1 / np.arange(1, TARGET + 1) ** 1.1
    rows = []
    for user in range(USERS):
        taste = user % TASTES
        of_taste = np.where(np.arange(TARGET) % TASTES == taste, popularity, 0)
        chances = (1 - relation) * popularity / popularity.sum() + relation * of_taste / of_taste.sum()
        in_source = draw.choice(np.arange(taste, SOURCE, TASTES), OF_DOMAIN, replace=False)
        in_target = draw.choice(np.arange(SOURCE, ITEMS), OF_DOMAIN, replace=False, p=chances)
        rows.append(np.concatenate([in_source, in_target]))
    return np.array(rows)


def pair_of_domains(relation: float) -> TrainingData:
    """Return data of which few users have both domains: some of one alone are new to the target in each window."""
    items = consumed(relation)
    in_target = np.arange(items.shape[1]) >= OF_DOMAIN
    place = np.arange(items.shape[1]) % OF_DOMAIN
    user = np.arange(USERS)
    has_source = (user < BOTH) | (user >= BOTH + TARGET_ALONE)
    in_full = has_source[:, None] | in_target
    # The newest of each domain are held out, those before them are in the choice window.
    is_new = user >= USERS - NEW_IN_HOLDOUT
    in_train = in_full & (place < OF_DOMAIN - 1) & ~(is_new[:, None] & in_target)
    is_new = user >= BOTH + TARGET_ALONE
    before_choice = in_train & (place < OF_DOMAIN - 2) & ~(is_new[:, None] & in_target)
    full, _ = pairs_of(items, in_full)
    train, train_ranks = pairs_of(items, in_train)
    choice_train, choice_ranks = pairs_of(items, before_choice)
    return training_data(
        train,
        full=full,
        holdout=(full - train).tocsr(),
        domains=["films"] * SOURCE + ["books"] * TARGET,
        train_ranks=train_ranks,
        choices=(ChoiceWindow(choice_train, choice_ranks, (train - choice_train).tocsr()),),
    )


def pairs_of(items: NDArray[np.int64], is_in: NDArray[np.bool_]) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return weights of 1 and the newest ranks of some of the items: (users, items) CSR."""
    ranks = np.zeros((USERS, ITEMS), np.float32)
    for user in range(USERS):
        own = items[user][is_in[user]]
        ranks[user, own] = np.arange(len(own), 0, -1)
    return sparse.csr_matrix(np.sign(ranks)), sparse.csr_matrix(ranks)


@cache
def choices_of(relation: float) -> Choices:
    """Return what a run chooses on a pair of domains."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.evaluation.choice_lists.MAX_LISTS", LISTS)
        return fit_before_windows(pair_of_domains(relation), SETTINGS).choose()


@dataclass(frozen=True)
class FittedPair:
    """A run's candidate on a pair of domains, with the weights that it chose, and the slices that judge it."""

    data: TrainingData
    candidate: Candidate
    slices: dict[str, HoldoutSlice]


@pytest.fixture(scope="module", params=[0.0, 0.3], ids=["unrelated", "weakly related"])
def fitted(request: pytest.FixtureRequest) -> FittedPair:
    data = pair_of_domains(request.param)
    candidate = choices_of(request.param).applied_to(fit_candidate(data.train_part, SETTINGS))
    warm = slice_named(holdout_slices(data.train, data.holdout, data.is_available, SETTINGS.seed), "warm")
    [new] = cross_domain_slices(data.train, data.holdout, data.item_domains, data.is_available, SETTINGS.seed)
    return FittedPair(data, candidate, {"warm": warm, new.name: new})


@pytest.mark.parametrize("name", ["warm", "cross:films->books"])
def test_the_lists_are_not_significantly_below_the_best_source_alone(fitted: FittedPair, name: str) -> None:
    truth, holdout_slice, k = Evaluated.of(fitted.data), fitted.slices[name], SETTINGS.metric_k
    ours = recalls_at_k(fitted.candidate.ranker(), holdout_slice, truth, k)
    alone = {
        each.source: recalls_at_k(fitted.candidate.ranker_of(each.source), holdout_slice, truth, k)
        for each in fitted.candidate.model().facts()
    }
    best = max(alone, key=lambda source: alone[source].mean())
    _, high = mean_intervals((ours - alone[best])[:, None], 0.95, SETTINGS.seed)[0]
    assert high >= 0, best


def test_without_any_relation_popularity_gets_most_of_the_weight_for_users_new_to_the_domain() -> None:
    weights = choices_of(0.0).blend.weights
    assert weights is not None
    assert weights.weight(NEW_TO_DOMAIN, "popular") > 0.75
    assert weights.weight(IN_DOMAIN, "popular") < 0.1
