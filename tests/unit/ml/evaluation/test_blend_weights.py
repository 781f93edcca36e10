"""The choice of weights for each group of users: one dimension, two sources beside it, and a planned search."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.evaluation.blend_search import ScoredLists, Weights
from ml.evaluation.blend_weights import ChosenWeights, GroupChoice, choose, load, save
from ml.models.candidate import Candidate
from ml.models.lightfm import Factors
from ml.models.source_weights import SourceWeights
from ml.models.trained_embeddings import FittedFactors
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS, ItemScores, ItemWeights
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.refusals import refused
from tests.support.small_training_data import training_data

SETTINGS = Settings(metric_k=1, cooccurrence_share=0.25, popularity_weight=1.0)
USERS, ITEMS = 11, 8
DOMAINS = "aaaabbbb"
# User: what they have, and what they take in the window. Users 0 to 4 stay in domain a, user 5 is new to b; item 7 is
# cold.
OWN = {user: [user % 3] for user in range(6)} | {8: [4], 9: [4], 10: [3, 5, 6]}
TAKEN = {user: [(user + 1) % 3] for user in range(5)} | {5: [4, 5], 6: [3], 7: [0], 8: [7], 9: [5]}
# Users 6 and 7 have nothing. User 6 carries the tag of users 0 to 3, user 7 one that nobody else has.
TAGS = [0, 0, 0, 0, 1, 1, 0, 2, 1, 1, 1]


def pairs_of(items: dict[int, list[int]]) -> sparse.csr_matrix:
    dense = np.zeros((USERS, ITEMS), np.float32)
    for user, own in items.items():
        dense[user, own] = 1
    return sparse.csr_matrix(dense)


def window() -> TrainingData:
    """Return data before the choice window, which is its holdout."""
    seen = {9: [5]}
    return training_data(
        pairs_of(OWN),
        holdout=pairs_of(TAKEN),
        domains=list(DOMAINS),
        train_seen=pairs_of(seen),
        user_features=sparse.csr_matrix(np.eye(3, dtype=np.float32)[TAGS]),
        user_feature_names=np.array(["age:x", "age:y", "age:z"], object),
    )


def candidate_of(data: TrainingData) -> Candidate:
    """Items stand at 0 to 7 in the one dimension, users at 1; each item of a says something of the next."""
    users = Factors(np.array([[1], [1], [0]], np.float32), np.zeros(3, np.float32))
    items = Factors(np.arange(ITEMS, dtype=np.float32)[:, None], np.zeros(ITEMS, np.float32))
    ease = ItemWeights(sparse.csr_matrix(np.eye(ITEMS, k=1, dtype=np.float32)))
    popular = ItemScores(np.array([1, 2, 3, 0, 9, 8, 7, 0], np.float32))
    factors = FittedFactors(data, data.train, users, items, 1.0)
    return Candidate(data.train_part, SETTINGS, factors, {"ease": ease, "popular": popular})


@dataclass
class PlannedSearch:
    """Returns the planned weights of lightfm, ease and popular, and keeps what it was called with."""

    planned: tuple[float, ...]
    calls: list[tuple[ScoredLists, list[float], list[float]]] = field(default_factory=list)

    def __call__(self, lists: ScoredLists, default: Weights, least: Weights, seed: int) -> Weights:
        assert seed == SETTINGS.seed
        self.calls.append((lists, default.tolist(), least.tolist()))
        return np.array(self.planned)


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> PlannedSearch:
    planned = PlannedSearch((0.05, 0.932, 0.018))
    monkeypatch.setattr("ml.evaluation.blend_weights.best_weights", planned)
    return planned


def test_each_group_has_the_lists_of_its_users_with_a_truth_that_can_be_found(search: PlannedSearch) -> None:
    found = choose([candidate_of(window())])
    # Users 7 (unknown), 8 (a cold item) and 9 (seen before without being liked) judge nothing.
    assert {users: choice.lists for users, choice in found.choices.items()} == {
        IN_DOMAIN: 5,
        NEW_TO_DOMAIN: 1,
        WITHOUT_ITEMS: 1,
    }
    in_domain, new, without = (lists for lists, _, _ in search.calls)
    # Four items of domain a, the own one left out; user 5 takes two of the three of b that are known.
    assert in_domain.is_candidate.sum(axis=1).tolist() == [3] * 5
    assert (in_domain.sizes.tolist(), new.sizes.tolist(), without.sizes.tolist()) == ([1] * 5, [2], [1])
    assert new.is_truth.tolist() == [[True, True, False]]
    assert without.is_truth.tolist() == [[False, False, False, True]]
    # Popularity of items 4, 5 and 6: over the seven warm items the mean is 30/7, and that of the squares 208/7.
    deviation = np.sqrt(208 / 7 - (30 / 7) ** 2)
    assert new.scores[0, 2] == pytest.approx([(each - 30 / 7) / deviation for each in (9, 8, 7)])
    # User 0 has item 0, which speaks for 1 alone.
    assert in_domain.scores[0, 1].argmax() == 0


def test_lists_of_several_windows_judge_together_where_they_have_the_same_sources(search: PlannedSearch) -> None:
    data = window()
    # In the older window two users judge, and one of them has three items left to rank.
    older = candidate_of(replace(data, holdout=pairs_of({0: [1], 1: [2]}), train=pairs_of(OWN | {0: [0, 2]})))
    other = candidate_of(data)
    other = replace(other, fitted={"popular": other.fitted["popular"]})
    found = choose([candidate_of(data), older, other])
    assert found.choices[IN_DOMAIN].lists == 5 + 2
    in_domain, *_ = (lists for lists, _, _ in search.calls)
    assert in_domain.is_candidate.sum(axis=1).tolist() == [3] * 5 + [2, 3]
    assert in_domain.is_truth[5].tolist() == [True, False, False]
    assert in_domain.sizes.tolist() == [1] * 7
    # What one of the three misses is no candidate.
    assert in_domain.scores[5, :, 2].tolist() == [0, 0, 0]


def test_users_without_items_of_a_domain_search_from_popularity(search: PlannedSearch) -> None:
    choose([candidate_of(window())])
    assert [default for _, default, _ in search.calls] == [[0.75, 0.25, 0], [0.5, 0, 0.5], [0.5, 0, 0.5]]
    assert [least for _, _, least in search.calls] == [[0.05, 0, 0]] * 3


def test_few_lists_shrink_what_is_chosen_towards_the_default(search: PlannedSearch) -> None:
    of = {users: dict(weights) for users, weights in choose([candidate_of(window())]).weights.of.items()}
    # Five lists choose half. Half of 0.018 is below a hundredth, so that 0.991 are left.
    assert of[IN_DOMAIN] == {"lightfm": 0.4036, "ease": 0.5964, "popular": 0}
    # One list chooses a sixth.
    assert of[NEW_TO_DOMAIN] == {"lightfm": 0.425, "ease": 0.1553, "popular": 0.4197}
    # Without items ease says nothing: 0.05 and 0.018 of 0.068 are chosen.
    assert of[WITHOUT_ITEMS] == {"lightfm": 0.5392, "ease": 0, "popular": 0.4608}


def test_the_choice_says_what_its_lists_are_worth_by_both_weights(search: PlannedSearch) -> None:
    # The next item is the truth of all but user 2. Each step in the dimension is half a deviation, and ease sets the
    # next item 1 / sqrt(6/49) = 2.86 apart: by 0.75 and 0.25 that is less than the two steps from 1 to 3, and more than
    # the one from 2 to 3; by 0.4 and 0.6 more than both.
    choice = choose([candidate_of(window())]).choices[IN_DOMAIN]
    assert choice == GroupChoice(5, 2 * 2 / 5, 2 * 4 / 5)


def test_a_group_that_nobody_judges_keeps_the_default_weights(search: PlannedSearch) -> None:
    data = window()
    nobody = replace(data, holdout=pairs_of({0: [1], 9: [5]}))
    found = choose([candidate_of(nobody)])
    assert list(found.choices) == [IN_DOMAIN]
    assert found.weights.of[NEW_TO_DOMAIN] == {"lightfm": 0.5, "ease": 0, "popular": 0.5}


def test_lists_whose_truth_no_source_ranks_high_do_not_judge_alone(
    search: PlannedSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The best of domain b is item 6 in the one dimension, item 4 by popularity; user 5 takes item 5.
    monkeypatch.setattr("ml.evaluation.choice_lists._CANDIDATES", 1)
    found = choose([candidate_of(replace(window(), holdout=pairs_of({0: [1], 5: [5]})))])
    assert list(found.choices) == [IN_DOMAIN]
    assert found.weights.of[NEW_TO_DOMAIN] == {"lightfm": 0.5, "ease": 0, "popular": 0.5}


def test_a_source_of_cold_items_is_not_among_those_that_are_weighed(search: PlannedSearch) -> None:
    candidate = candidate_of(window())
    content = ItemWeights(sparse.csr_matrix(([1.0], ([0], [7])), shape=(ITEMS, ITEMS), dtype=np.float32))
    found = choose([replace(candidate, fitted={**candidate.fitted, "content": content})])
    assert [lists.scores.shape[1] for lists, _, _ in search.calls] == [3] * 3
    assert list(found.weights.of[IN_DOMAIN]) == ["lightfm", "ease", "popular"]


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    chosen = ChosenWeights(
        SourceWeights({IN_DOMAIN: {"lightfm": 0.25, "ease": 0.75}, NEW_TO_DOMAIN: {"lightfm": 1.0}}),
        {IN_DOMAIN: GroupChoice(7, 0.5, 0.625)},
        "",
    )
    for number, each in enumerate((chosen, ChosenWeights(None, {}, "as set"))):
        save(each, tmp_path / f"{number}.json")
        assert load(tmp_path / f"{number}.json") == each


def test_missing_weights_name_the_stage_to_run(tmp_path: Path) -> None:
    file = tmp_path / "blend_weights.json"
    with refused(NightjarError, "missing_input", file=file, stage="evaluate_model"):
        load(file)
