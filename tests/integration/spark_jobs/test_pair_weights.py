from collections import Counter

import pytest

from spark_jobs.transforms.pair_weights import full_interactions, train_interactions, weigh_pairs

EVENTS = (
    "user_index int, item_index int, number int, numbers bigint, occurred_at timestamp, event_weight double, "
    "half_life_days double, in_train boolean, is_fold_in boolean, cut_at timestamp"
)


@pytest.fixture
def pairs(spark, as_of, days_ago):
    """Weigh events given as (user, item, age in days, weight, half-life, in_train), a user's oldest first."""

    def weigh(events, power, popularity_half_life_days=0.0):
        numbers, rows = Counter(event[0] for event in events), []
        so_far: Counter[int] = Counter()
        for user, item, age, *rest in events:
            so_far[user] += 1
            rows.append((user, item, so_far[user], numbers[user], days_ago(age), *rest, False, None))
        return weigh_pairs(spark.createDataFrame(rows, EVENTS), as_of, power, popularity_half_life_days)

    return weigh


def weights(interactions):
    return [tuple(row) for row in sorted(interactions.select("user_index", "item_index", "weight").collect())]


THREE = [
    (0, 0, 10, 1.0, 10.0, True),  # a
    (0, 1, 5, 2.0, None, False),  # b
    (0, 0, 1, 1.0, 1.0, True),  # c
]


def test_weights_decay_by_half_life_and_rank_and_sum_over_the_pair(pairs) -> None:
    # a: 1 * 0.5^(10/10) * (1/3)^2 = 0.055556, b: 2 * (2/3)^2 = 0.888889, c: 1 * 0.5^(1/1) * (3/3)^2 = 0.5
    assert weights(full_interactions(pairs(THREE, 2.0))) == [(0, 0, 0.555556), (0, 1, 0.888889)]


def test_the_rank_is_counted_among_the_train_events(pairs) -> None:
    # Without b: a is the 1st of 2, 0.5 * (1/2)^2 = 0.125, c the 2nd of 2, 0.5.
    assert weights(train_interactions(pairs(THREE, 2.0))) == [(0, 0, 0.625)]


@pytest.mark.parametrize(
    ("half_life_days", "first", "second"),
    # Of a and c, which are one pair, the larger. Half-life 5: a 0.5 * 0.25, c 0.5 * 0.870551, b 2 * 0.5.
    [(0.0, 500_000, 2_000_000), (5.0, 435_275, 1_000_000)],
    ids=["no trend", "trend"],
)
def test_popularity_omits_the_rank_and_decays_on_its_own(pairs, rows, half_life_days, first, second) -> None:
    weighed = pairs(THREE, 2.0, half_life_days).select("user_index", "item_index", "popularity_micros")
    assert rows(weighed) == [(0, 0, first), (0, 1, second)]


def test_train_popularity_counts_the_train_events_alone(pairs, rows) -> None:
    # Half-life 5: a 0.5 * 0.25 and c 0.5 * 0.870551, b 2 * 0.5.
    names = ["popularity_micros", "train_popularity_micros"]
    assert rows(pairs(THREE, 2.0, 5.0).select("item_index", *names)) == [(0, 435_275, 435_275), (1, 1_000_000, None)]
    # Where c is held out, as a repeat, train has a.
    repeated = [(0, 0, 10, 1.0, 10.0, True), (0, 0, 1, 1.0, 1.0, False)]
    assert rows(pairs(repeated, 2.0, 5.0).select("item_index", *names)) == [(0, 435_275, 125_000)]


def test_the_newest_rank_goes_by_the_pairs_last_event_and_in_train_by_the_last_of_train(pairs, rows) -> None:
    events = [
        (0, 0, 9, 1.0, None, True),
        (0, 1, 8, 1.0, None, True),
        (0, 2, 7, 1.0, None, True),
        (0, 0, 6, 1.0, None, True),
        # Two events of one instant: item 3 has the larger number.
        (0, 1, 5, 1.0, None, False),
        (0, 3, 5, 1.0, None, False),
        (1, 2, 4, 1.0, None, True),
    ]
    weighed = pairs(events, 0.0)
    # Last events of user 0: item 3 the sixth, 1 the fifth, 0 the fourth, 2 the third.
    assert rows(full_interactions(weighed).select("user_index", "item_index", "newest_rank")) == [
        *((0, 0, 3), (0, 1, 2), (0, 2, 4), (0, 3, 1)),
        (1, 2, 1),
    ]
    # In train: item 0 the fourth, 2 the third, 1 the second.
    assert rows(train_interactions(weighed).select("user_index", "item_index", "newest_rank")) == [
        *((0, 0, 1), (0, 1, 3), (0, 2, 2)),
        (1, 2, 1),
    ]


def test_a_user_counts_once_per_item_in_popularity_whatever_the_number_of_events(pairs, rows) -> None:
    # A thousand views of one user against one of another, of the same age.
    events = [(0, 0, 1, 0.3, None, True)] * 1000 + [(1, 1, 1, 0.3, None, True)]
    weighed = pairs(events, 0.0).select("item_index", "popularity_micros")
    assert rows(weighed) == [(0, 300_000), (1, 300_000)]


def test_a_power_of_zero_omits_the_rank(pairs) -> None:
    assert weights(full_interactions(pairs(THREE, 0.0))) == [(0, 0, 1.0), (0, 1, 2.0)]


def test_ranks_are_per_user(pairs) -> None:
    events = [(0, 0, 2, 1.0, None, True), (0, 1, 1, 1.0, None, True), (1, 0, 9, 1.0, None, True)]
    assert weights(full_interactions(pairs(events, 1.0))) == [(0, 0, 0.5), (0, 1, 1.0), (1, 0, 1.0)]


def test_an_ancient_event_keeps_the_smallest_weight(pairs) -> None:
    assert weights(full_interactions(pairs([(0, 0, 3650, 1.0, 1.0, True)], 0.0))) == [(0, 0, 1e-6)]


def test_a_user_whose_events_are_all_held_out_has_no_train_row(pairs) -> None:
    weighed = pairs([(0, 0, 1, 1.0, None, False)], 2.0)
    assert weights(train_interactions(weighed)) == []
    assert weights(full_interactions(weighed)) == [(0, 0, 1.0)]


def test_train_has_the_older_events_of_a_repeated_pair_and_the_full_weights_have_all(pairs) -> None:
    weighed = pairs([(0, 0, 10, 1.0, None, True), (0, 0, 5, 4.0, None, True), (0, 0, 1, 2.0, None, False)], 1.0)
    # Among the two events of train: 1 * 1/2 + 4 * 2/2; among all three: 1 * 1/3 + 4 * 2/3 + 2 * 3/3.
    assert weights(train_interactions(weighed)) == [(0, 0, 4.5)]
    assert weights(full_interactions(weighed)) == [(0, 0, 5.0)]
