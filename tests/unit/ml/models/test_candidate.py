"""A candidate with one dimension and two sources beside it, and fits of the planted tastes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingData, read_training_data
from ml.models.candidate import Candidate, fit_candidate, popularity_ranker
from ml.models.lightfm import Epoch, Factors
from ml.models.trained_embeddings import FittedFactors
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN
from nightjar.contract.artifacts.model_folder import SourceFacts
from nightjar.contract.artifacts.sources import COLD, WARM, HistoryRule, ItemScores, ItemWeights
from nightjar.contract.settings import Settings
from nightjar.ranking.ranker import Ranker
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

SETTINGS = Settings(
    cooccurrence_share=0.25, cold_item_share=0.5, cold_item_regression_share=0.0, popularity_weight=1.0, metric_k=2
)
# Users 0 and 1 have pairs, user 2 none; items 0 to 2 have pairs, 3 is cold, and 4 is held out and no longer available.
TRAIN = matrix([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0] * 5])
HOLDOUT = matrix([[0] * 5, [0, 0, 0, 0, 1], [0] * 5])
DATA = training_data(TRAIN, holdout=HOLDOUT, tags=list("xyzzy"), is_available=[True, True, True, True, False])
# Item 0 speaks for 1 more than for 2.
WEIGHTS = ItemWeights(matrix([[0, 3, 1, 0, 0], [0] * 5, [0] * 5, [0] * 5, [0] * 5]), HistoryRule(1.0))
CONTENT = ItemWeights(matrix([[0, 0, 0, 1, 2], [0] * 5, [0] * 5, [0] * 5, [0] * 5]), HistoryRule(1.0))
POPULAR = ItemScores(np.array([1, 1, 2, 0, 0], np.float32))


def candidate(**changes: Any) -> Candidate:
    """Users stand at 1, 1 and 0; the tags x, y and z at 0, 1 and 2."""
    users = Factors(np.array([[1], [1], [0]], np.float32), np.zeros(3, np.float32))
    items = Factors(np.array([[0], [1], [2]], np.float32), np.zeros(3, np.float32))
    factors = FittedFactors(DATA, TRAIN, users, items, 1.0)
    fitted = {"ease": WEIGHTS, "content": CONTENT, "popular": POPULAR}
    return Candidate(DATA.train_part, SETTINGS.model_copy(update=changes), factors, fitted)


def lists(ranker: Ranker, users: list[int], k: int) -> list[list[int]]:
    [of_domain] = ranker.lists(np.array(users), TRAIN, k)
    return of_domain.items.tolist()


def test_the_sources_weigh_what_the_settings_say() -> None:
    # What a history in other domains says is not known: popularity weighs half.
    assert list(candidate().model().facts()) == [
        SourceFacts("lightfm", "vectors", WARM, 0.75, 0.5, 0.5),
        SourceFacts("ease", "item_weights", WARM, 0.25, 0, 0),
        SourceFacts("content", "item_weights", COLD, 0.5, 0.5, 0),
        SourceFacts("popular", "item_scores", WARM, 0, 0.5, 0.5),
    ]


def test_weights_of_more_than_1_are_scaled_down_and_leave_the_embeddings_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ml.models.popular.Popular.weight", lambda *_: 0.6)
    facts = {each.source: each.weight for each in candidate(cooccurrence_share=0.9).model().facts()}
    assert facts == pytest.approx({"lightfm": 0, "ease": 0.6, "content": 0.5, "popular": 0.4})


def test_other_settings_change_the_weights_and_no_fit() -> None:
    before = candidate()
    after = before.at(SETTINGS.model_copy(update={"cooccurrence_share": 0.5, "cold_item_share": 0.125}))
    assert [each.weight for each in after.model().others] == [0.5, 0.125, 0]
    assert after.model().embedding_weight(COLD) == 0.875
    assert after.fitted is before.fitted
    assert after.factors is before.factors


def test_the_regression_weight_moves_cold_items_and_no_others() -> None:
    plain, moved = (
        candidate().at(SETTINGS.model_copy(update={"cold_item_regression_share": weight})).model().embeddings
        for weight in (0.0, 1.0)
    )
    assert plain.item_vectors[:3].tolist() == moved.item_vectors[:3].tolist()
    assert plain.item_vectors[3:, 0].tolist() == [2, 1]
    # Of five items one carries x, two y and two z; the square of a row's length is that of its tag over the mean of
    # all. Item 2 alone says something of 3, item 1 that 4 stands at the mean.
    length = np.log(5 / 2) / np.mean([np.log(5), *[np.log(5 / 2)] * 4])
    assert moved.item_vectors[3:, 0] == pytest.approx([1 + length / (length + 1), 1])


def test_at_a_popularity_weight_below_1_the_average_user_counts_less() -> None:
    whole, half = (candidate(popularity_weight=weight).model() for weight in (1.0, 0.5))
    ease, content, popular = (each.fitted for each in half.others)
    # Of three pairs one is of item 0: a third of 3 and of 1 is the mean, half of which is taken off.
    assert ease.average.tolist() == pytest.approx([0, 1 / 2, 1 / 6, 0, 0])
    assert content.average.tolist() == pytest.approx([0, 0, 0, 1 / 6, 1 / 3])
    assert popular is POPULAR
    assert [each.fitted for each in whole.others] == [WEIGHTS, CONTENT, POPULAR]
    # The mean of the trained users is 1: items 0, 1 and 2 stand at 0, 1 and 2, with half of that taken off.
    assert half.embeddings.item_biases[:3].tolist() == pytest.approx([0, -1 / 2, -1])


def test_the_embeddings_alone_have_no_other_source_and_no_regression() -> None:
    alone = candidate(cold_item_regression_share=1.0).embeddings_alone()
    model = alone.model()
    assert [(each.source, each.weight) for each in model.facts()] == [("lightfm", 1)]
    assert model.embeddings.item_vectors[:, 0].tolist() == [0, 1, 2, 2, 1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Items 2 and 3 stand highest, then 1 and 4. User 1 has 1 and 2.
        ("lightfm", [[2, 3, 1, 4], [3, 4, 0, -1]]),
        # By the history of user 0: 1 before 2, cold items at the mean of all; that of user 1 says nothing.
        ("ease", [[1, 3, 4, 2], [0, 3, 4, -1]]),
        # User 0 with two of three below the mean.
        ("popular", [[2, 3, 4, 1], [3, 4, 0, -1]]),
    ],
)
def test_a_source_alone_ranks_by_nothing_else(source: str, expected: list[list[int]]) -> None:
    assert lists(candidate().ranker_of(source), [0, 1], 4) == expected


def test_of_cold_items_content_alone_decides() -> None:
    is_cold = np.array([False, False, False, True, True])
    # By its tag item 3 stands higher.
    assert lists(candidate().ranker_of("lightfm").among(is_cold), [0], 2) == [[3, 4]]
    assert lists(candidate().ranker_of("content").among(is_cold), [0], 2) == [[4, 3]]


def test_a_source_beside_the_embeddings_knows_the_users_with_pairs_alone() -> None:
    by_features = replace(DATA, user_features=matrix([[1, 0], [0, 1], [1, 0]]))
    by_features = replace(by_features, user_feature_names=np.array(["age:old", "age:young"], object))
    base = candidate()
    users = Factors(np.array([[1], [1]], np.float32), np.zeros(2, np.float32))
    factors = replace(base.factors, data=by_features, users=users)
    base = replace(base, part=by_features.train_part, factors=factors)
    sources = {name: base.ranker_of(name).catalogue.user_sources.tolist() for name in ("lightfm", "ease")}
    assert sources == {"lightfm": [TRAINED, TRAINED, FEATURES_ONLY], "ease": [TRAINED, TRAINED, UNKNOWN]}


def test_items_of_the_holdout_compete_in_the_evaluation_and_not_in_a_publication() -> None:
    evaluated, published = candidate().ranker(), candidate().published_ranker()
    # Every user has all items that are not their own; user 2 is unknown and gets the popular ones, ties by id.
    assert [sorted(each) for each in lists(evaluated, [0, 2], 5)] == [[-1, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
    assert [sorted(each) for each in lists(published, [0, 2], 5)] == [[-1, -1, 1, 2, 3], [-1, 0, 1, 2, 3]]
    assert lists(published, [2], 5) == [[0, 1, 2, 3, -1]]


def test_a_user_with_newest_items_is_folded_in_by_them() -> None:
    recency = sparse.csr_matrix(([2.0, 1.0], ([2, 2], [1, 2])), shape=(3, 5), dtype=np.float32)
    ranker = candidate().ranker(recency)
    assert ranker.catalogue.user_sources.tolist() == [TRAINED] * 3
    # Of two items the newest weighs 1, the other 1/2; the histories of the others stay.
    assert ranker.history.weights.toarray().tolist() == [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0.5, 1, 0, 0]]
    # The newest of both is the first of the history; those of the others stay as they were.
    assert ranker.history.newest_ranks.toarray().tolist() == [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 2, 1, 0, 0]]
    # As long as the others' vectors.
    assert ranker.catalogue.user_vectors["lightfm"].tolist() == [[1], [1], [1]]


def test_the_diversity_weight_of_the_settings_is_that_of_the_ranker() -> None:
    assert candidate(diversity_weight=0.3).ranker().diversity_weight == 0.3


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture(scope="module")
def settings(planted: Any) -> Settings:
    return planted.settings.model_copy(update={"epochs": 3})


def test_every_model_of_the_registry_is_fitted_and_timed(data: TrainingData, settings: Settings) -> None:
    told: list[str] = []
    fitted = fit_candidate(data.train_part, settings, on_source=lambda name, _: told.append(name))
    # Other models may follow.
    assert told[:5] == ["ease", "transitions", "als", "content", "popular"]
    assert list(fitted.fitted) == told
    assert set(fitted.seconds) == {"lightfm", *fitted.fitted}
    assert min(fitted.seconds.values()) >= 0
    many = fit_candidate(data.train_part, settings.model_copy(update={"cooccurrence_dense_items": 1}))
    assert list(many.fitted)[:5] == ["item_cosine", "transition_cosine", "als", "content", "popular"]


def test_a_part_is_fitted_on_its_own_pairs(data: TrainingData, settings: Settings) -> None:
    train, full = fit_candidate(data.train_part, settings), fit_candidate(data.full_part, settings)
    # The pairs of u29 and i39 are all held out.
    assert train.model().embeddings.user_sources[29] == FEATURES_ONLY
    assert full.model().embeddings.user_sources[29] == TRAINED
    assert not train.fitted["ease"].weights[:, [39]].nnz
    assert full.fitted["ease"].weights[:, [39]].nnz
    assert full.ranker().history.weights is data.full


def test_each_epoch_is_a_candidate_with_the_sources_that_no_epoch_changes(
    data: TrainingData, settings: Settings
) -> None:
    seen: list[tuple[Epoch, Candidate]] = []
    last = fit_candidate(data.train_part, settings, lambda *both: seen.append(both))
    assert [epoch.number for epoch, _ in seen] == [1, 2, 3]
    assert all(each.fitted["ease"] is last.fitted["ease"] for _, each in seen)
    first, final = (seen[place][1].model().embeddings for place in (0, -1))
    assert not np.array_equal(first.item_vectors, final.item_vectors)
    assert np.array_equal(final.item_vectors, last.model().embeddings.item_vectors)


def test_a_fit_continues_from_the_checkpoint_of_another(data: TrainingData, settings: Settings) -> None:
    first = fit_candidate(data.train_part, settings)
    slow = settings.model_copy(update={"learning_rate": 1e-9, "warm_start_epochs": 1})
    numbers: list[int] = []
    again = fit_candidate(
        data.train_part, slow, lambda epoch, each: numbers.append(epoch.number), checkpoint=first.checkpoint
    )
    assert numbers == [1]
    expected = first.model().embeddings.item_vectors
    assert again.model().embeddings.item_vectors == pytest.approx(expected, abs=1e-6)


def test_popularity_without_a_fit_is_the_baseline_of_every_candidate(data: TrainingData, settings: Settings) -> None:
    baseline, alone = (
        fit_candidate(data.train_part, settings).ranker().without_model(),
        popularity_ranker(data.train_part),
    )
    users = np.arange(len(data.user_ids))
    [one], [other] = baseline.lists(users, data.train, 10), alone.lists(users, data.train, 10)
    assert one.items.tolist() == other.items.tolist()
    assert one.scores.tolist() == other.scores.tolist()
    # The best of the lists of all users, whatever the segment: even and odd users get the same but for their own.
    best = data.train_part.popularity.lists["default"]["all"].items
    own = set(data.train[0].indices)
    assert other.items[0].tolist() == [item for item in best.tolist() if item not in own][:10]
