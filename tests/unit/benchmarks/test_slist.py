"""SLIST of the benchmark: its matrices by hand, its weights by their closed form."""

import numpy as np
import pytest

from benchmarks.quality.slist import Sequences, sequences_of, slist, slist_weights
from tests.unit.benchmarks.test_quality import events

# Two sequences: 0, 1, 2 and 1, 0.
SOME = Sequences(np.array([0, 1, 2, 1, 0]), np.array([0, 1, 2, 0, 1]), np.array([2, 1, 0, 1, 0]), 3)


def test_items_around_an_event_are_those_of_its_sequence() -> None:
    before = SOME.around(range(-2, 0), lambda distance: 1 / -distance).toarray()
    assert before.tolist() == [[0, 0, 0], [1, 0, 0], [0.5, 1, 0], [0, 0, 0], [0, 1, 0]]
    after = SOME.around(range(2), lambda distance: 1 / (1 + distance)).toarray()
    assert after.tolist() == [[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1], [0.5, 1, 0], [1, 0, 0]]
    assert SOME.sets().toarray().tolist() == [[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_the_weights_minimise_the_squares_of_sets_and_orders() -> None:
    rows = np.array([1, 2, 3, 4, 5], np.float32)
    near = np.exp(-1 / 4)
    before = np.array([[0, 0, 0], [1, 0, 0], [near, 1, 0], [0, 0, 0], [0, 1, 0]])
    after, sets = np.eye(3)[[0, 1, 2, 1, 0]], SOME.sets().toarray()
    left = 0.25 * sets.T @ np.diag(rows) @ sets + 0.75 * before.T @ np.diag(rows) @ before + 2 * np.eye(3)
    right = 0.25 * sets.T @ np.diag(rows) @ sets + 0.75 * before.T @ np.diag(rows) @ after
    assert slist_weights(SOME, 0.25, 2.0, 1, rows) == pytest.approx(np.linalg.solve(left, right), abs=1e-6)


def test_orders_alone_see_no_sets() -> None:
    # Item 2 stands before no other, so it has no weight for any.
    assert slist_weights(SOME, 0.0, 2.0, 1)[2].tolist() == [0, 0, 0]
    assert slist_weights(SOME, 0.5, 2.0, 1)[2].any()


def test_the_sequences_of_users_stand_one_after_the_other() -> None:
    some = events((1, 3), (0, 0), (1, 4), (0, 5), (0, 2))
    sequences, users = sequences_of(some)
    assert users.tolist() == [0, 0, 0, 1, 1]
    assert sequences.items.tolist() == [0, 5, 2, 3, 4]
    assert sequences.place.tolist() == [0, 1, 2, 0, 1]
    assert sequences.left.tolist() == [2, 1, 0, 1, 0]


def test_a_user_is_ranked_by_their_newest_items_most() -> None:
    some = events((1, 3), (0, 0), (1, 4), (0, 5), (0, 2))
    weights = slist_weights(sequences_of(some)[0], 0.2, 1.0, 1)
    history = np.array([[np.exp(-1), 0, 1, 0, 0, np.exp(-0.5)], [0, 0, 0, np.exp(-0.5), 1, 0]])
    scores = slist(some, 0.2, 1.0, 1)(2.0)(np.array([0, 1]))
    assert scores == pytest.approx(history @ weights, abs=1e-6)
