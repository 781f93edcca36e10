"""Who judges a fit of the sequence model, and by what a checkpoint of it is found; without torch."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingPart
from ml.models.base import NamedArrays
from ml.models.sequence_data import SequenceData, draws_of
from ml.models.sequence_windows import OrderedItems, Shape
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

NOBODY = np.array([], object)


def part_of(newest_ranks: list[list[float]], tags: str = "xy") -> TrainingPart:
    ranks = matrix(newest_ranks)
    return training_data(ranks.sign(), train_ranks=ranks, tags=list(tags)).train_part


def of_two_items_each(draws: list[float]) -> SequenceData:
    starts = np.arange(0, 2 * len(draws) + 2, 2)
    ordered = OrderedItems(np.zeros(2 * len(draws), np.int64), starts, np.zeros(1, np.int64))
    return SequenceData(ordered, sparse.csr_matrix((1, 0), dtype=np.float32), np.array(draws), NOBODY, NOBODY)


def test_a_user_has_the_same_draw_whoever_else_there_is() -> None:
    few, many = draws_of(np.array(["b", "a"], object), 7), draws_of(np.array(["a", "c", "b", "d"], object), 7)
    assert few.tolist() == [many[2], many[0]]
    assert draws_of(np.array(["a"], object), 8)[0] != many[0]
    of_thousand = draws_of(np.array([f"u{user}" for user in range(1_000)], object), 7)
    # Of 1,000 even draws so many may be below one fifth, with 4 standard deviations of 13.
    assert 149 < (of_thousand < 0.2).sum() < 251
    assert 0 <= of_thousand.min() < of_thousand.max() < 1


@pytest.mark.parametrize(
    ("users", "before", "fraction"),
    [(3, 1.0, 1.0), (1_000, 1.0, 1.0), (2_000, 1.0, 0.5), (10_000, 1.0, 0.2), (50_000, 1.0, 0.1), (2_000, 0.3, 0.3)],
)
def test_a_fifth_judges_but_no_fewer_than_1000_and_no_more_than_5000_or_than_before(
    users: int, before: float, fraction: float
) -> None:
    assert of_two_items_each([0.0] * users).judged_fraction(before) == pytest.approx(fraction)


def test_the_lowest_draws_judge_of_users_with_two_items() -> None:
    data = of_two_items_each([0.5, 0.1, 0.3, 0.2])
    assert data.judges(0.3).tolist() == [1, 3]
    one_item = replace(data.ordered, starts=np.array([0, 2, 3, 5, 7]))
    assert replace(data, ordered=one_item).judges(0.3).tolist() == [3]


def learned_and_held_back(
    orders: np.ndarray, lengths: np.ndarray, before: float = 1.0
) -> tuple[set[tuple[int, int]], set[tuple[int, int]], float]:
    """Return the pairs that a fit on the first items of users learns from, and those that judge it."""
    ranks = np.zeros(orders.shape)
    for user, (order, length) in enumerate(zip(orders, lengths, strict=True)):
        ranks[user, order[:length]] = np.arange(length, 0, -1)
    data = SequenceData.of(part_of(ranks.tolist(), "abcdefgh"), 1)
    ordered, fraction = data.ordered, data.judged_fraction(before)
    judges = data.judges(fraction)
    begins, ends = ordered.windows(3, np.isin(np.arange(len(lengths)), judges).astype(np.int64))
    users = np.repeat(np.arange(len(lengths)), np.diff(ordered.starts))
    items = ordered.warm[ordered.items]
    learned = {(users[place], items[place]) for a, b in zip(begins, ends, strict=True) for place in range(a, b)}
    newest = ordered.starts[judges + 1] - 1
    return learned, set(zip(users[newest], items[newest], strict=True)), fraction


@pytest.mark.parametrize("users_later", [20, 60, 90])
def test_nothing_that_judges_a_fit_was_learned_by_the_one_before(
    users_later: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.models.sequence_data.JUDGES", (10, 15))
    random = np.random.default_rng(4)
    orders = np.array([random.permutation(8) for _ in range(90)])
    lengths = random.integers(2, 6, 90)
    learned, _, fraction = learned_and_held_back(orders[:60], lengths[:60])
    # Every other user has new items, users are new or have left; fewer of them would be judged by a larger fraction.
    later = lengths + np.where(np.arange(90) % 2, random.integers(1, 4, 90), 0)
    learned_later, held_back, _ = learned_and_held_back(orders[:users_later], later[:users_later], fraction)
    assert held_back
    assert not held_back & learned
    assert not held_back & learned_later
    assert len(learned_later) == later[:users_later].sum() - len(held_back)


def test_items_that_occur_and_features_have_names() -> None:
    data = SequenceData.of(part_of([[0, 1], [0, 1]]), 1)
    assert data.item_ids.tolist() == ["i1"]
    assert data.feature_names.tolist() == ["tag:x", "tag:y"]
    assert data.features.toarray().tolist() == [[1, 0], [0, 1]]


def test_a_checkpoint_is_that_of_the_same_pairs_features_names_settings_and_start() -> None:
    ranks, start = [[1.0, 2.0]], {"weight": np.array([1.0, 2.0])}

    def digest(
        newest_ranks: list[list[float]] = ranks,
        tags: str = "xy",
        seed: int = 1,
        length: int = 9,
        start: NamedArrays | None = None,
    ) -> str:
        return SequenceData.of(part_of(newest_ranks, tags), seed).digest(Shape(4, length, 5, 0.0, seed), start)

    digests = [
        digest(),
        digest([[2, 1]]),
        digest(tags="xx"),
        digest(tags="xz"),
        digest(seed=2),
        digest(length=8),
        digest(start=start),
        digest(start={"weight": np.array([1.0, 3.0])}),
        digest(start={"other": start["weight"]}),
    ]
    assert len(set(digests)) == 9
    assert digest() == digests[0]
    assert digest(start=dict(start)) == digests[6]
