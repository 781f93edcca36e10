"""Weights of what follows what, solved by hand for two users and three items."""

import numpy as np
import pytest

from ml.data.training_data import TrainingPart
from ml.models.transitions import (
    DECAY,
    NEWEST,
    Sequences,
    TransitionCosine,
    Transitions,
    cosine_weights,
    ridge_weights,
    sequences_of,
)
from nightjar.contract.artifacts.sources import History, HistoryRule
from nightjar.contract.settings import Settings
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

# What an item counts for that comes before last.
D = np.exp(-1 / DECAY)
# User 0 takes 0, 1, 2; user 1 takes 0, 2.
TWO_USERS = Sequences(np.array([0, 1, 2, 0, 2]), np.array([0, 1, 2, 0, 1]), 3)


def part_of(newest_ranks: list[list[float]]) -> TrainingPart:
    ranks = matrix(newest_ranks)
    return training_data(ranks.sign(), train_ranks=ranks).train_part


def test_a_sequence_begins_with_the_oldest_item_and_counts_only_items_that_occur() -> None:
    # Item 1 has no user; user 1 has nothing.
    ranks = matrix([[1, 0, 3, 2], [0, 0, 0, 0], [2, 0, 0, 1]])
    sequences, items = sequences_of(History(ranks.sign(), ranks))
    assert items.tolist() == [0, 2, 3]
    assert items[sequences.items].tolist() == [2, 3, 0, 0, 3]
    assert sequences.place.tolist() == [0, 1, 2, 0, 1]
    assert sequences.size == 3


def test_items_of_a_history_without_an_order_follow_by_index() -> None:
    sequences, _ = sequences_of(History.unordered(matrix([[0, 5, 2, 1]])))
    assert (sequences.items.tolist(), sequences.place.tolist()) == ([0, 1, 2], [0, 1, 2])


def test_what_came_before_is_decayed_by_its_rank_and_ends_with_the_twentieth() -> None:
    # One user takes 0, 1, ..., 24.
    [(before, event)] = Sequences(np.arange(25), np.arange(25), 25).steps()
    last = before[[24]].toarray()[0]
    assert NEWEST == 20
    assert np.flatnonzero(last).tolist() == [*range(4, 24)]
    assert last[[23, 22, 4]] == pytest.approx([1, np.exp(-1 / 4), np.exp(-19 / 4)])
    # The first event has nothing before it, so it is the target of none.
    assert (before[[0]].nnz, event.sum(axis=1)[[0, 1, 24], 0].ravel().tolist()) == (0, [[0, 1, 1]])


@pytest.mark.parametrize("entries", [NEWEST, 4_000_000])
def test_weights_are_the_ridge_regression_of_an_event_on_what_came_before(
    entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.models.transitions.MIN_EVENTS", 1)
    monkeypatch.setattr("ml.models.transitions.RIDGE", 1.0)
    monkeypatch.setattr("ml.models.transitions._BLOCK_ENTRIES", entries)
    monkeypatch.setattr("ml.models.transitions.SETS", 0.0)
    # S has the rows (1, 0, 0), (d, 1, 0) and (1, 0, 0), T the items 1, 2 and 2: the matrix S'S + I of items 0 and 1 is
    # ((3 + d^2, d), (d, 2)), of determinant 6 + d^2. Item 1 is said to be followed by item 1 by -d, which is left out.
    whole = np.array([[0, 2, 2 + D], [0, 0, 3 - D], [0, 0, 0]]) / (6 + D**2)
    assert ridge_weights(TWO_USERS, 3).toarray() == pytest.approx(whole, abs=1e-6)
    # The largest of each column.
    largest = np.where(whole == whole.max(axis=0), whole, 0)
    assert ridge_weights(TWO_USERS, 1).toarray() == pytest.approx(largest, abs=1e-6)


@pytest.mark.parametrize("cells", [3, 4_000_000])
def test_what_users_have_together_counts_beside_the_order(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.models.transitions.MIN_EVENTS", 1)
    monkeypatch.setattr("ml.models.transitions.RIDGE", 1.0)
    monkeypatch.setattr("ml.models.transitions.SETS", 0.5)
    monkeypatch.setattr("ml.models.transitions._BLOCK_CELLS", cells)
    # Both users have 0 and 2, one has 1, too.
    together = 0.5 * np.array([[2, 1, 2], [1, 1, 1], [2, 1, 2]])
    of_before = np.array([[2 + D**2, D, 0], [D, 1, 0], [0, 0, 0]])
    following = np.array([[0, 1, 1 + D], [0, 0, 1], [0, 0, 0]])
    expected = np.linalg.solve(of_before + together + np.eye(3), following + together)
    np.fill_diagonal(expected, 0)
    assert ridge_weights(TWO_USERS, 3).toarray() == pytest.approx(expected, abs=1e-6)


def test_items_with_fewer_than_three_events_are_scored_but_score_none() -> None:
    # Three users take 0, 1; two of them take 2 next.
    fitted = Transitions().fit(part_of([[3, 2, 1], [3, 2, 1], [2, 1, 0]]), Settings())
    assert fitted is not None
    # S of items 0 and 1 has three rows (1, 0) of the event 1 and two rows (d, 1) of the event 2. All three users have
    # both, two of them 2, too, which counts a quarter.
    gram = np.array([[203.75 + 2 * D**2, 0.75 + 2 * D], [0.75 + 2 * D, 202.75]])
    expected = np.zeros((3, 3))
    expected[:2] = np.linalg.solve(gram, [[0.75, 3.75, 0.5 + 2 * D], [0.75, 0.75, 2.5]])
    np.fill_diagonal(expected, 0)
    assert fitted.weights.toarray() == pytest.approx(expected, abs=1e-8)


def test_cosines_are_shrunk_by_the_users_of_both_items() -> None:
    # The items have 2, 1 and 2 users, and a shrinkage of 3.
    whole = np.array([[0, 1 / np.sqrt(5 * 4), (1 + D) / 5], [0, 0, 1 / np.sqrt(4 * 5)], [0, 0, 0]])
    assert cosine_weights(TWO_USERS, 3).toarray() == pytest.approx(whole)
    whole[1, 2] = 0
    assert cosine_weights(TWO_USERS, 1).toarray() == pytest.approx(whole)


@pytest.mark.parametrize("model", [Transitions(), TransitionCosine()])
def test_where_nobody_has_two_items_there_is_nothing_to_fit(model: Transitions | TransitionCosine) -> None:
    settings = Settings(cooccurrence_dense_items=3 if isinstance(model, Transitions) else 1)
    assert model.fit(part_of([[1, 0, 0], [0, 1, 0], [0, 1, 0]]), settings) is None
    assert model.fit(part_of([[1, 0, 2], [0, 1, 0], [0, 1, 0]]), settings) is not None


def test_one_of_the_two_fits_by_the_items_that_occur() -> None:
    part = part_of([[1, 0, 2], [2, 0, 1]])
    fits = {
        dense: [
            model.fit(part, Settings(cooccurrence_dense_items=dense)) for model in (Transitions(), TransitionCosine())
        ]
        for dense in (2, 1)
    }
    assert [[fitted is not None for fitted in both] for both in fits.values()] == [[True, False], [False, True]]
    sparse_weights = fits[1][1]
    assert sparse_weights is not None
    # Back in the index of the catalogue: each of the items 0 and 2 follows the other once.
    assert sparse_weights.weights.toarray() == pytest.approx(np.array([[0, 0, 0.2], [0, 0, 0], [0.2, 0, 0]]))


def test_one_fit_makes_three_sources_of_the_same_weights() -> None:
    fitted = Transitions().fit(part_of([[1, 2]] * 3), Settings())
    assert fitted is not None
    sources = dict(fitted.sources("transitions"))
    assert {name: each.history for name, each in sources.items()} == {
        "transitions": HistoryRule(0.0, 20, 4.0),
        "transitions_last": HistoryRule(0.0, 20, 1.0),
        "transitions_long": HistoryRule(0.0, 50, 15.0),
    }
    assert {id(each.weights) for each in sources.values()} == {id(fitted.weights)}


@pytest.mark.parametrize(("model", "dense"), [(Transitions(), 40), (TransitionCosine(), 1)])
def test_equal_histories_give_equal_bits(model: Transitions | TransitionCosine, dense: int) -> None:
    draw = np.random.default_rng(3)
    part = part_of([draw.permutation(40) * (draw.random(40) < 0.4) for _ in range(60)])
    settings = Settings(cooccurrence_dense_items=dense)
    first, second = (model.fit(part, settings) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.weights.nnz > 100
    for array in ("data", "indices", "indptr"):
        assert getattr(first.weights, array).tobytes() == getattr(second.weights, array).tobytes()
