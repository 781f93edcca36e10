"""How peers are tuned on the window, the neural ones among them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.quality import neural_peers
from benchmarks.quality.events import Events
from benchmarks.quality.neural_peers import batch_size, epochs_of, evaluated_neural_peer, sequence_length
from benchmarks.quality.peer_tuning import evaluated, tuned
from benchmarks.quality.peers import Peer
from benchmarks.quality.protocols import PROTOCOLS
from tests.unit.benchmarks.test_quality import events

# A user has items 0 to 4 of thirty; item 4 is the test part, item 3 the window.
TRAIN, TEST = PROTOCOLS[1].split(events((0, 0), (0, 1), (0, 2), (0, 3), (0, 4), users=1, items=30))
BEFORE, WINDOW = PROTOCOLS[1].split(TRAIN)


def test_the_choice_that_is_best_on_the_window_is_fitted_once_for_all_its_rankings() -> None:
    fits: list[tuple[Any, ...]] = []

    def fit(train: Events, first: int) -> Callable[[int], Any]:
        fits.append((first, len(train.items)))
        order = np.arange(30, 0, -1)
        return lambda shift: lambda rows: np.tile(np.roll(order, first + shift), (len(rows), 1))

    peer = Peer("some", fit, {"first": [10, 2]}, {"shift": [5, 1]})
    # The list begins with item 3 where both sum up to 3.
    choice = tuned(peer, BEFORE, WINDOW)
    assert choice == ({"first": 2}, {"shift": 1})
    assert fits == [(10, 3), (2, 3)]
    figures = evaluated(peer, choice, TRAIN, TEST)
    assert fits[-1] == (2, 4)
    assert figures["choice"] == {"first": 2, "shift": 1}
    # Item 3 is seen now, so item 4 is the first.
    assert (figures["recall"], figures["ndcg"]) == (1, 1)
    assert figures["fit_seconds"] >= 0


def test_one_choice_alone_is_not_fitted_on_the_window() -> None:
    assert tuned(Peer("some", lambda train: pytest.fail("fitted")), BEFORE, WINDOW) == ({}, {})


def test_a_neural_peer_is_trained_again_for_the_epochs_that_were_best(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[int, ...]] = []

    def lists_of(model: str, part: Events, users: np.ndarray, epochs: tuple[int, ...]) -> Any:
        trained.append((len(part.items), *epochs))
        lists = {each: np.array([[9, 3, 4] if each == 20 else [9, 9, 9]]) for each in epochs}
        return lists, dict.fromkeys(epochs, 7.0)

    monkeypatch.setattr(neural_peers, "_trained", lists_of)
    figures = evaluated_neural_peer("sasrec", BEFORE, WINDOW, TRAIN, TEST)
    assert trained == [(3, 5, 10, 20, 40), (4, 20)]
    assert (figures["choice"], figures["fit_seconds"], figures["recall"]) == ({"epochs": 20}, 7.0, 1)


def test_training_steps_and_lengths_follow_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nineteen users of two events and one of five: 95 % have two.
    pairs = [(user, item) for user in range(19) for item in (0, 1)] + [(19, item) for item in range(5)]
    assert sequence_length(events(*pairs, users=20)) == 2
    assert batch_size(events(*pairs, users=20)) == 16
    assert batch_size(events(*((user, 0) for user in range(3_300)), users=3_300)) == 64
    # 20 users x 2 places x 5 items: 200 scores an epoch.
    monkeypatch.setattr(neural_peers, "MOST_SCORES", 2_000)
    assert epochs_of(events(*pairs, users=20)) == (5, 10)
    monkeypatch.setattr(neural_peers, "MOST_SCORES", 1)
    assert epochs_of(events(*pairs, users=20)) == (5,)
