"""The choice windows: the same split of the train events, for fits that saw only what is before them."""

import pytest
from pyspark.sql import functions as F

from nightjar.contract.repeat_rule import Repeats
from spark_jobs.build_features import features
from spark_jobs.transforms.window_datasets import judging_users


@pytest.fixture
def built(snapshot, feature_arguments, keep, rows, days_ago):
    """Return the datasets of events given as (user, item, age in days, weight), with ids for indices."""

    def build(events, unavailable=(), **arguments):
        interactions = [
            (f"e{n:03d}", user, item, "like", None, weight, None, days_ago(age))
            for n, (user, item, age, weight) in enumerate(events)
        ]
        listed = sorted({item for _, item, *_ in events})
        items = [(item, "default", None, item not in unavailable) for item in listed]
        tables = features(snapshot(interactions=interactions, items=items), feature_arguments(**arguments), keep())
        users = {row.user_index: row.user_id for row in tables["user_ids"].collect()}

        def named(name):
            if name not in tables:
                return None
            found = []
            for row in tables[name].collect():
                values = row.asDict()
                ids = {"user_index": users, "item_index": dict(enumerate(listed))}
                found.append(tuple(ids[key][value] if key in ids else value for key, value in values.items()))
            return sorted(found)

        return named

    return build


EVENTS = [
    *(("ann", "a", 9, 1.0), ("ann", "s", 8, 0.0), ("ann", "b", 7, 1.0), ("ann", "t", 6, 0.0), ("ann", "c", 5, 1.0)),
    *(("ann", "u", 4, 0.0), ("ann", "d", 3, 1.0), ("ann", "v", 1, 0.0)),
    *(("bob", "a", 2, 1.0), ("bob", "s", 1, 0.0)),
    *(("cat", "b", 6, 1.0), ("cat", "u", 5, 0.0), ("cat", "a", 4, 1.0), ("cat", "v", 3, 0.0)),
]


def test_the_choice_window_is_held_out_of_the_train_events(built) -> None:
    # Of ann's four items the newest, d, is the holdout, of the three others c the choice holdout. Cat's a is held out.
    named = built(EVENTS, holdout_fraction=0.25, recency_rank_power=1.0)
    assert named("holdout") == [("ann", "d"), ("cat", "a")]
    assert named("choice_holdout") == [("ann", "c")]
    assert named("full_interactions") == [
        *(("ann", "a", 0.25, 4), ("ann", "b", 0.5, 3), ("ann", "c", 0.75, 2), ("ann", "d", 1.0, 1)),
        *(("bob", "a", 1.0, 1), ("cat", "a", 1.0, 1), ("cat", "b", 0.5, 2)),
    ]
    assert named("train_interactions") == [
        *(("ann", "a", 0.333333, 3), ("ann", "b", 0.666667, 2), ("ann", "c", 1.0, 1)),
        *(("bob", "a", 1.0, 1), ("cat", "b", 1.0, 1)),
    ]
    assert named("choice_train_interactions") == [
        *(("ann", "a", 0.5, 2), ("ann", "b", 1.0, 1)),
        *(("bob", "a", 1.0, 1), ("cat", "b", 1.0, 1)),
    ]


def test_what_was_seen_is_that_before_the_choice_cut_or_the_cut_where_there_is_none(built) -> None:
    named = built(EVENTS, holdout_fraction=0.25)
    assert named("train_seen") == [("ann", "s"), ("ann", "t"), ("ann", "u"), ("bob", "s"), ("cat", "u")]
    # Ann's choice cut is c, 5 days ago. Cat has none, but one of the holdout 4 days ago; bob has neither.
    assert named("choice_train_seen") == [("ann", "s"), ("ann", "t"), ("bob", "s"), ("cat", "u")]


def test_the_items_of_the_choice_holdout_compete_in_its_popularity(built) -> None:
    named = built(EVENTS, unavailable=("c", "d", "u"), holdout_fraction=0.25)
    ranked = [(*("all", "default"), rank, item, 0.0) for rank, item in enumerate(("s", "t", "v"), 4)]
    # Item c is unavailable, but held out, d is held out of train alone.
    assert named("choice_train_popularity") == [
        ("all", "default", 1, "a", 2.0),
        ("all", "default", 2, "b", 2.0),
        ("all", "default", 3, "c", 0.0),
        *ranked,
    ]
    train = [row[3:] for row in named("train_popularity")]
    assert train == [("a", 2.0), ("b", 2.0), ("d", 0.0), ("s", 0.0), ("t", 0.0), ("v", 0.0)]


def test_each_kind_splits_the_train_events_in_its_own_way(built) -> None:
    events = [
        *(("ann", "a", 9, 1.0), ("bob", "b", 8, 1.0), ("cat", "a", 7, 1.0), ("ann", "b", 5, 1.0)),
        *(("cat", "c", 3, 1.0), ("bob", "c", 1, 1.0), ("ann", "d", 6, 0.0), ("bob", "d", 7.5, 0.0)),
    ]
    # Of six pairs 0.3 are two: the cut is 3 days ago; of the four before it two: the choice cut is 7 days ago.
    named = built(events, holdout="time", holdout_fraction=0.3)
    assert named("holdout") == [("bob", "c"), ("cat", "c")]
    assert named("choice_holdout") == [("ann", "b"), ("cat", "a")]
    assert [row[:2] for row in named("choice_train_interactions")] == [("ann", "a"), ("bob", "b")]
    assert named("train_seen") == [("ann", "d"), ("bob", "d")]
    # Bob has no event in the choice window, and the same cut as all.
    assert named("choice_train_seen") == [("bob", "d")]
    named = built(events, holdout="last", holdout_fraction=0.9)
    assert named("holdout") == [("ann", "b"), ("bob", "c"), ("cat", "c")]
    assert (named("choice_holdout"), named("choice_2_holdout")) == ([], None)


def test_repeats_of_the_choice_window_are_those_at_its_cut(built) -> None:
    # All five events count; two are held out: the cut is 8 days ago. Of the other three one is: 12 days ago.
    events = [("dan", "x", 20, 1.0), ("dan", "y", 16, 1.0), ("dan", "x", 12, 1.0), ("dan", "y", 8, 1.0)]
    named = built([*events, ("dan", "z", 4, 1.0)], holdout_fraction=0.4, repeat_after_days=Repeats.of("4"))
    assert named("holdout") == [("dan", "y"), ("dan", "z")]
    assert named("repeatable") == [("dan", "x", False), ("dan", "y", True)]
    assert named("choice_holdout") == [("dan", "x")]
    assert named("choice_repeatable") == [("dan", "x", True), ("dan", "y", False)]
    assert named("choice_train_interactions") == [("dan", "x", 1.0, 2), ("dan", "y", 1.0, 1)]
    # Of two events one is held out, 4 days ago; of one event that is left none: at that cut x is 16 days old.
    named = built(
        [("dan", "x", 20, 1.0), ("dan", "z", 4, 1.0)], holdout_fraction=0.4, repeat_after_days=Repeats.of("16")
    )
    assert named("choice_repeatable") == [("dan", "x", False)]
    named = built(
        [("dan", "x", 20, 1.0), ("dan", "z", 4, 1.0)], holdout_fraction=0.4, repeat_after_days=Repeats.of("17")
    )
    assert named("choice_repeatable") == []


def test_cold_users_of_the_choice_window_are_drawn_anew(built) -> None:
    events = [(f"u{user:02d}", f"i{item}", 9 - item, 1.0) for user in range(40) for item in range(3)]

    def cold_users(seed, name):
        named = built(events, holdout_fraction=0.0, cold_holdout_fraction=0.2, seed=seed)
        pairs = named(name)
        return {user for user, _ in pairs if sum(each == user for each, _ in pairs) == 3}

    first, second, choice = cold_users(1, "holdout"), cold_users(2, "holdout"), cold_users(1, "choice_holdout")
    assert first
    assert choice
    assert choice == second - first


WEEKLY = [(user, f"i{week}", 50 - 10 * week, 1.0) for user in ("ann", "bob") for week in range(5)]


def test_a_cut_in_time_that_few_users_judge_is_followed_by_older_ones(built) -> None:
    # Ten pairs on five days: each cut holds out a day of what is left; before the oldest window there is one day.
    named = built(WEEKLY, holdout="time", holdout_fraction=0.1)
    assert named("holdout") == [("ann", "i4"), ("bob", "i4")]
    for prefix, week in (("choice_", 3), ("choice_2_", 2), ("choice_3_", 1)):
        assert named(f"{prefix}holdout") == [("ann", f"i{week}"), ("bob", f"i{week}")]
        before = {item for _, item, *_ in named(f"{prefix}train_interactions")}
        assert before == {f"i{each}" for each in range(week)}
    # Four windows at most; the last one has nothing before it.
    assert named("choice_4_train_interactions") == []
    assert named("choice_5_holdout") is None
    # Item i1, 40 days old, is the newest before the second window: worth 1 for each user; later ones nothing.
    scores = {row[:2]: row[2:] for row in named("trending") if row[0] == 1.0}
    assert [round(scores[1.0, f"i{week}"][3], 6) for week in range(5)] == [0.001953, 2, 0, 0, 0]


def test_users_judge_who_have_train_events_and_later_ones(spark, days_ago) -> None:
    # User 0 does. User 1 was held out of an old item by a draw, user 2 came later, user 3 never came back.
    rows = [
        *((0, days_ago(9), True), (0, days_ago(5), False)),
        *((1, days_ago(9), True), (1, days_ago(8), False)),
        *((2, days_ago(4), False), (3, days_ago(9), True)),
    ]
    schema = "user_index int, occurred_at timestamp, in_train boolean, cut_at timestamp"
    events = spark.createDataFrame([(*row, days_ago(5)) for row in rows], schema)
    assert judging_users(events) == 1
    assert judging_users(events.withColumn("cut_at", F.lit(None).cast("timestamp"))) == 0


def test_enough_users_need_no_older_window(built, monkeypatch) -> None:
    monkeypatch.setattr("spark_jobs.transforms.window_datasets.ENOUGH_USERS", 3)
    named = built(WEEKLY, holdout="time", holdout_fraction=0.1)
    # Two users judge the first, two the second.
    assert named("choice_2_holdout") == [("ann", "i2"), ("bob", "i2")]
    assert named("choice_3_holdout") is None
