"""What the kinds `last` and `time` hold out; test_holdout has the kind `newest` and what all kinds share."""

import pytest

from spark_jobs.transforms.holdout import fold_in_items, holdout
from spark_jobs.transforms.pair_weights import weigh_pairs
from spark_jobs.transforms.split import Split, in_order, mark_train

EVENTS = (
    "user_index int, item_index int, user_id string, item_id string, domain string, event_id string, "
    "occurred_at timestamp, event_weight double, half_life_days double"
)


@pytest.fixture
def split_events(spark, days_ago):
    """Mark events given as (user, item, event_id, age in days)."""

    def mark(events, split):
        rows = [
            (u, i, f"x{u}", f"y{i}", "books" if i >= 100 else "films", event_id, days_ago(age), 1.0, None)
            for u, i, event_id, age in events
        ]
        return mark_train(in_order(spark.createDataFrame(rows, EVENTS).repartition(3), split), split)

    return mark


@pytest.fixture
def held_out(split_events, rows, days_ago):
    """Return the held-out pairs."""

    def pairs(events, split):
        return rows(holdout(weigh_pairs(split_events(events, split), days_ago(0), 0.0, 0.0)))

    return pairs


def last(fraction):
    return Split(fraction, 0.0, 0.0, 1, "last")


def in_time(fraction, cold=0.0, domain=0.0):
    return Split(fraction, cold, domain, 1, "time")


def test_last_holds_out_the_newest_item_of_each_user_who_has_two(held_out) -> None:
    events = [
        *((0, 0, "a", 9), (0, 1, "b", 8), (0, 2, "c", 7), (0, 0, "d", 1)),
        *((1, 0, "e", 9), (1, 1, "f", 3)),
        *((2, 0, "g", 9), (2, 0, "h", 2)),
        # At one instant the larger event id is the newer.
        *((3, 0, "k", 5), (3, 1, "j", 5)),
    ]
    assert held_out(events, last(0.9)) == [(0, 2), (1, 1), (3, 0)]
    assert held_out(events, last(0.0)) == []


# Six pairs, which began 50, 40, 20, 10, 10 and 5 days ago.
DAYS = [
    (0, 0, "a", 50),
    (3, 3, "b", 40),
    (1, 0, "c", 20),
    (0, 1, "d", 10),
    (1, 2, "e", 10),
    (2, 1, "f", 5),
    # Of the first pair, past the cut.
    (0, 0, "g", 8),
]


def test_time_holds_out_all_pairs_that_begin_at_the_cut_or_later(held_out) -> None:
    # Of six pairs 0.4 are three, the two of ten days ago among them; 0.2 are two, and nothing divides these two.
    assert held_out(DAYS, in_time(0.4)) == [(0, 1), (1, 2), (2, 1)]
    assert held_out(DAYS, in_time(0.2)) == [(0, 1), (1, 2), (2, 1)]
    assert held_out(DAYS, in_time(0.1)) == [(2, 1)]
    assert held_out(DAYS, in_time(0.0)) == []


def test_no_event_from_the_cut_on_is_in_train_and_the_cut_is_everybodys(split_events, days_ago) -> None:
    marked = split_events(DAYS, in_time(0.4)).collect()
    in_train = sorted((row.user_index, row.number) for row in marked if row.in_train)
    # The first event of user 0, not the third, which repeats it after the cut.
    assert in_train == [(0, 1), (1, 1), (3, 1)]
    assert {row.cut_at.astimezone(days_ago(0).tzinfo) for row in marked} == {days_ago(10)}
    assert {row.cut_at for row in split_events(DAYS, in_time(0.0)).collect()} == {None}


def test_cold_users_of_a_cut_in_time_are_folded_in_by_what_came_before_it(split_events, rows, days_ago) -> None:
    ages = [(0, 9), (1, 8), (2, 3), (0, 1)]
    events = [(user, item, f"e{item}{age}", age) for user in range(20) for item, age in ages]
    # A third of all pairs is that of item 2. Item 0 is older than item 1: its event a day ago is past the cut.
    pairs = weigh_pairs(split_events(events, in_time(1 / 3, cold=0.25)), days_ago(0), 0.0, 0.0)
    cold = {user for user in range(20) if (user, 0) in rows(holdout(pairs)) and (user, 1) in rows(holdout(pairs))}
    cold_items = {item for item in range(2) if all((user, item) in rows(holdout(pairs)) for user in range(20))}
    assert 0 < len(cold) < 20
    assert not cold_items
    assert rows(fold_in_items(pairs)) == sorted(
        ((user, item, place) for user in cold for item, place in ((1, 1), (0, 2))), key=repr
    )
    assert {user for user in range(20) if (user, 2) in rows(holdout(pairs))} == set(range(20))


def test_a_cut_in_time_holds_out_a_whole_domain_of_drawn_users_as_well(held_out) -> None:
    events = [(user, item, f"e{item}", 150 - item) for user in range(20) for item in (0, 1, 100, 101)]
    pairs = held_out(events, in_time(0.25, domain=0.3))
    lost = {tuple(sorted(item for each, item in pairs if each == user)) for user in range(20)}
    # The newest quarter is item 101.
    assert lost == {(101,), (0, 1, 101), (100, 101)}


@pytest.mark.parametrize("kind", ["newest", "last", "time"])
def test_the_draws_are_the_same_for_each_kind(held_out, kind) -> None:
    events = [(user, item, f"e{user:02d}{item:02d}", 5) for user in range(12) for item in range(12)]
    assert held_out(events, Split(0.0, 0.25, 0.0, 1, kind)) == held_out(events, Split(0.0, 0.25, 0.0, 1))
