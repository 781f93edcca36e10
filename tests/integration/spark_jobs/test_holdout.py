import pytest

from nightjar.contract.repeat_rule import Repeats
from spark_jobs.transforms.holdout import fold_in_items, holdout, repeatable, train_seen
from spark_jobs.transforms.pair_weights import weigh_pairs
from spark_jobs.transforms.split import Split, in_order, mark_train

EVENTS = (
    "user_index int, item_index int, user_id string, item_id string, domain string, event_id string, "
    "occurred_at timestamp, "
    "event_weight double, half_life_days double"
)


@pytest.fixture
def held_out(spark, rows, days_ago):
    """Return the held-out pairs of events given as (user, item, event_id, age in days[, weight]), and the marks.

    Items from 100 are of the domain `books`, the others of `films`.
    """

    def split(events, newest, cold=0.0, domain=0.0, seed=1, partitions=1):
        frame = spark.createDataFrame(
            [
                (
                    user,
                    item,
                    f"x{user}",
                    f"x{item}",
                    "books" if item >= 100 else "films",
                    event_id,
                    days_ago(age),
                    *(weight or [1.0]),
                    None,
                )
                for user, item, event_id, age, *weight in events
            ],
            EVENTS,
        ).repartition(partitions)
        split = Split(newest, cold, domain, seed)
        marked = mark_train(in_order(frame, split), split)
        return rows(holdout(marked).distinct()), rows(marked.select("number", "in_train"))

    return split


def test_the_newest_items_by_first_event_are_held_out_with_all_their_events(held_out) -> None:
    events = [
        (0, 0, "e0", 50),
        (0, 1, "e1", 40),
        (0, 2, "e2", 30),
        (0, 3, "e3", 20),
        (0, 4, "e4", 10),
        (0, 0, "e5", 5),  # Item 0 was first seen 50 days ago: it stays in train.
        (0, 3, "e6", 1),
    ]
    pairs, marked = held_out(events, 0.4)
    assert pairs == [(0, 3), (0, 4)]
    assert marked == [(1, True), (2, True), (3, True), (4, False), (5, False), (6, True), (7, False)]


def test_two_items_hold_out_one_and_one_item_none(held_out) -> None:
    pairs, _ = held_out([(0, 0, "a", 9), (0, 1, "b", 8), (1, 0, "c", 9), (1, 0, "d", 8)], 0.2)
    assert pairs == [(0, 1)]


def test_a_user_with_one_event_stays_in_train(held_out) -> None:
    assert held_out([(0, 0, "only", 3)], 0.9) == ([], [(1, True)])


def test_events_at_the_same_instant_are_ordered_by_event_id(held_out) -> None:
    pairs, _ = held_out([(0, 0, "b", 1), (0, 1, "a", 1)], 0.5)
    assert pairs == [(0, 0)]


def test_events_without_weight_are_neither_train_nor_holdout(held_out) -> None:
    _, marked = held_out([(0, 0, "a", 3), (0, 1, "b", 2), (0, 2, "zero", 1, 0.0)], 0.5)
    assert marked == [(1, True), (2, False)]


def test_a_held_out_number_that_is_whole_is_not_rounded_down(held_out) -> None:
    pairs, _ = held_out([(0, item, f"e{item:03d}", 200 - item) for item in range(100)], 0.29)
    assert len(pairs) == 29


def test_a_fraction_of_zero_holds_nothing_out(held_out) -> None:
    pairs, _ = held_out([(0, item, f"e{item}", 9 - item) for item in range(5)], 0.0)
    assert pairs == []


def test_all_pairs_of_cold_users_and_items_are_held_out_and_no_others(held_out) -> None:
    events = [(user, item, f"e{user:02d}{item:02d}", 5) for user in range(20) for item in range(20)]
    pairs = set(held_out(events, 0.0, cold=0.25)[0])
    users = {user for user in range(20) if all((user, item) in pairs for item in range(20))}
    items = {item for item in range(20) if all((user, item) in pairs for user in range(20))}
    assert 0 < len(users) < 20
    assert 0 < len(items) < 20
    assert pairs == {(user, item) for user in range(20) for item in range(20) if user in users or item in items}
    # User x3 and item x3 have the same id, but separate draws.
    assert users != items


def test_the_cold_draw_depends_on_the_seed_only(held_out) -> None:
    events = [(user, user, f"e{user}", 5) for user in range(40)]
    draw = held_out(events, 0.0, 0.3, seed=1)
    assert held_out(events[::-1], 0.0, 0.3, seed=1, partitions=5) == draw
    assert held_out(events, 0.0, 0.3, seed=2) != draw


def test_cold_users_are_folded_in_by_what_time_alone_would_have_left_in_train(spark, rows, days_ago) -> None:
    # Item 0 of user 0 came first and again last, so it is the newest of the shown; item 3 is the newest by first event.
    # Items 1 and 2 came at one instant, in the order of their event ids.
    ages = [(0, 9), (2, 8), (1, 8), (3, 6), (0, 1)]
    events = [
        (user, item, f"x{user}", f"y{item}", "films", f"e{9 - item}", days_ago(age), 1.0, None)
        for user in range(30)
        for item, age in ages
    ]
    split = Split(0.25, 0.3, 0.0, seed=1)
    marked = mark_train(in_order(spark.createDataFrame(events, EVENTS), split), split)
    cold_items = {
        item for item in range(4) if all(pair in rows(holdout(marked)) for pair in [(u, item) for u in range(30)])
    }
    found = rows(fold_in_items(weigh_pairs(marked, days_ago(0), 0.0, 0.0)))
    users = {user for user, _, _ in found}
    in_train = {user for user, is_train in rows(marked.select("user_index", "in_train")) if is_train}
    assert users
    assert not users & in_train
    newest_first = [item for item in (0, 1, 2) if item not in cold_items]
    assert found == sorted(
        ((user, item, place + 1) for user in users for place, item in enumerate(newest_first)), key=repr
    )


def test_one_whole_domain_of_drawn_users_is_held_out_and_the_newest_items_of_the_others(held_out) -> None:
    events = [(user, item, f"e{user:02d}{item}", 150 - item) for user in range(40) for item in (0, 1, 100, 101)]
    pairs = set(held_out(events, 0.5, domain=0.3)[0])
    lost = {user: sorted(item for each, item in pairs if each == user) for user in range(40)}
    # Of all four items the two newest are the books; of two films, or two books, the newer one.
    by_time, films_lost, books_lost = [100, 101], [0, 1, 101], [1, 100, 101]
    assert {tuple(items) for items in lost.values()} == {tuple(by_time), tuple(films_lost), tuple(books_lost)}
    assert 0 < sum(items != by_time for items in lost.values()) < 40


def test_no_domain_of_users_with_one_domain_is_held_out(held_out) -> None:
    # An event without weight does not make a second domain.
    events = [(user, item, f"e{user:02d}{item}", 5) for user in range(40) for item in (0, 1)]
    events += [(user, 100, f"zero{user}", 5, 0.0) for user in range(40)]
    assert held_out(events, 0.0, domain=0.9)[0] == []


def test_the_draw_of_domains_is_independent_of_the_cold_draw(held_out) -> None:
    items = (0, 1, 2, 3, 100, 101, 102, 103)
    events = [(user, item, f"e{user:02d}{item}", 5) for user in range(30) for item in items]
    by_domain = {user for user, _ in held_out(events, 0.0, domain=0.4)[0]}
    pairs = set(held_out(events, 0.0, cold=0.4)[0])
    cold = {user for user in range(30) if all((user, item) in pairs for item in items)}
    assert by_domain - cold
    assert cold - by_domain


def test_marks_carry_what_the_weights_need(spark, days_ago) -> None:
    frame = spark.createDataFrame([(0, 0, "u", "i", "d", "e", days_ago(1), 2.0, 30.0)], EVENTS)
    split = Split(0.2, 0.0, 0.0, 1)
    marked = mark_train(in_order(frame, split), split).select("event_weight", "half_life_days", "in_train").first()
    assert tuple(marked) == (2.0, 30.0, True)


# Of user 0 by age in days: film 0 again and again, films 1 and 2, and a book, which never comes back.
HABITS = [(0, 50), (100, 45), (1, 40), (0, 30), (0, 28), (2, 20), (1, 10), (0, 9), (100, 5)]


@pytest.fixture
def habits(spark, rows, days_ago):
    """Split the habits of a user by a rule; return the ages in train, the held-out pairs and those that may repeat."""

    def mark(rule, newest=0.4, kind="newest"):
        frame = spark.createDataFrame(
            [
                (0, item, "u", f"i{item}", "books" if item >= 100 else "films", f"e{age:02d}", days_ago(age), 1.0, None)
                for item, age in HABITS
            ],
            EVENTS,
        )
        split = Split(newest, 0.0, 0.0, 1, kind, Repeats.of(rule))
        marked = mark_train(in_order(frame, split), split)
        may_repeat = repeatable(marked, days_ago(0))
        pairs = weigh_pairs(marked, days_ago(0), 0.0, 0.0)
        ages = {HABITS[row["number"] - 1][1] for row in marked.filter("in_train").collect()}
        return ages, rows(holdout(pairs, may_repeat)), rows(may_repeat)

    return mark


def test_with_repeats_train_ends_at_the_cut_and_repeated_pairs_are_truth(habits) -> None:
    # A list could have foretold the first of each pair and, 15 days or later after the last, film 0 at 30, film 1 at 10
    # and film 0 at 9: seven events; 0.4 of them are two, so the cut is 10 days ago. The book moves with all its events.
    train, pairs, may_repeat = habits("films=15")
    assert train == {50, 45, 40, 30, 28, 20, 5}
    assert pairs == [(0, 0), (0, 1)]
    # At the cut film 0 is 18 days old and film 1 is 30; film 2, 10 days old, may not come back yet.
    assert may_repeat == [(0, 0, True), (0, 1, True)]


def test_a_repeat_within_the_days_is_neither_train_nor_truth(habits) -> None:
    # Only film 1 at 10 comes 25 days after the last: five events, two of which are film 2 at 20 and film 1 at 10.
    train, pairs, may_repeat = habits("films=25")
    assert train == {50, 45, 40, 30, 28, 5}
    assert may_repeat == []
    assert pairs == [(0, 2)]


def test_with_zero_days_every_event_counts_and_every_item_may_be_a_repeat(habits) -> None:
    # Seven events of films and the first of the book: of eight, 0.4 are three, those at 20, 10 and 9.
    train, pairs, may_repeat = habits("films=0")
    assert train == {50, 45, 40, 30, 28, 5}
    assert pairs == [(0, 0), (0, 1), (0, 2)]
    assert may_repeat == [(0, 0, True), (0, 1, True)]


def test_with_one_cut_in_time_repeats_are_split_there(habits) -> None:
    # The four pairs began 50, 45, 40 and 20 days ago; 0.4 of them are two, so the cut is 40 days ago. The book's event
    # at 5 is past the cut, too, but it may not come back.
    train, pairs, may_repeat = habits("films=10", kind="time")
    assert train == {50, 45}
    assert pairs == [(0, 0), (0, 1), (0, 2)]
    assert may_repeat == [(0, 0, True)]
    # At the cut film 0 is ten days old.
    assert habits("films=11", kind="time") == ({50, 45}, [(0, 1), (0, 2)], [])


def test_the_newest_event_alone_is_a_holdout_of_the_kind_last_repeated_or_not(habits) -> None:
    # Film 0 at 9 is the last of the seven events that a list could have foretold.
    train, pairs, may_repeat = habits("films=15", newest=0.9, kind="last")
    assert train == {50, 45, 40, 30, 28, 20, 10, 5}
    assert pairs == [(0, 0)]
    # At 9 film 0 is 19 days old; films 1 and 2 are 1 and 11.
    assert may_repeat == [(0, 0, True)]


def test_without_a_cut_the_end_of_the_run_decides_on_repeats(habits) -> None:
    train, pairs, may_repeat = habits("films=15", newest=0.0)
    assert (train, pairs) == ({age for _, age in HABITS}, [])
    assert may_repeat == [(0, 2, False)]


def test_fold_in_items_may_be_repeats_like_train_items(spark, rows, days_ago) -> None:
    events = [
        (0, 0, days_ago(9), False, True, 3, days_ago(5)),
        (0, 0, days_ago(1), False, False, 3, days_ago(5)),
        (0, 1, days_ago(7), False, True, 3, days_ago(5)),
        (0, 2, days_ago(4), False, False, 3, days_ago(5)),
        (0, 3, days_ago(9), False, True, None, days_ago(5)),
    ]
    schema = "user_index int, item_index int, occurred_at timestamp, in_train boolean, is_fold_in boolean, "
    frame = spark.createDataFrame(events, schema + "after_days int, cut_at timestamp")
    assert rows(repeatable(frame, days_ago(0))) == [(0, 0, True)]


@pytest.fixture
def seen_before(spark, rows, days_ago):
    """Return what users had seen at their cut, of events given as (user, item, age in days, weight)."""

    def found(events, newest=0.5, cold=0.0, repeats="", kind="newest"):
        split = Split(newest, cold, 0.0, 1, kind, Repeats.of(repeats))
        table = [
            (u, i, f"x{u}", f"y{i}", "books" if i >= 100 else "films", f"e{n}", days_ago(age), weight, None)
            for n, (u, i, age, weight) in enumerate(events)
        ]
        frame = spark.createDataFrame(table, EVENTS)
        pairs = weigh_pairs(mark_train(in_order(frame, split), split), days_ago(0), 0.0, 0.0)
        return rows(train_seen(frame, pairs, split)), rows(holdout(pairs))

    return found


def test_what_a_user_saw_before_the_cut_without_liking_it_is_seen(seen_before) -> None:
    liked = [(0, 0, 9, 1.0), (0, 1, 4, 1.0)]
    # Item 2 was skipped before item 1, the holdout; 3 after it; 4 both; 1 itself was skipped before it was liked.
    skipped = [(0, 2, 6, 0.0), (0, 3, 2, 0.0), (0, 4, 5, -1.0), (0, 4, 1, 0.0), (0, 1, 8, None)]
    assert seen_before(liked + skipped) == ([(0, 1), (0, 2), (0, 4)], [(0, 1)])
    # Without a holdout there is no cut; without a like there is nothing to rank by.
    assert seen_before([(0, 0, 9, 1.0), (0, 2, 6, 0.0), (1, 2, 6, 0.0)])[0] == [(0, 2)]


def test_with_one_cut_in_time_everybody_saw_what_came_before_it(seen_before) -> None:
    # Six pairs began 20, 9, 9, 8, 5 and 3 days ago; half of them are three: the cut is 8 days ago.
    liked = [(0, 0, 20, 1.0), (0, 1, 5, 1.0), (1, 0, 9, 1.0), (1, 1, 8, 1.0), (2, 0, 9, 1.0), (3, 0, 3, 1.0)]
    # User 0 skipped item 2 before the cut, 3 after it, before their own first held-out event; user 2, who has no
    # event from the cut on, likewise. User 3 has nothing in train.
    skipped = [(0, 2, 8.5, 0.0), (0, 3, 7, 0.0), (2, 2, 8.5, 0.0), (2, 3, 8, 0.0), (3, 2, 9, 0.0)]
    assert seen_before(liked + skipped, kind="time") == ([(0, 2), (2, 2)], [(0, 1), (1, 1), (3, 0)])


def test_a_repeated_item_does_not_move_the_cut_to_its_first_event(seen_before) -> None:
    # The film comes again after the cut, which is 4 days ago; the book was skipped between its events.
    events = [(0, 0, 9, 1.0), (0, 1, 8, 1.0), (0, 0, 4, 1.0), (0, 102, 6, 0.0), (0, 103, 3, 0.0)]
    assert seen_before(events, newest=0.4, repeats="films=3") == ([(0, 102)], [])


def test_nobody_has_seen_a_cold_item_and_a_cold_user_nothing(seen_before) -> None:
    events = [(user, item, 9, float(item != user)) for user in range(30) for item in range(30)]
    seen, held_out = seen_before(events, 0.0, 0.3)
    # Each user skipped the item of their number; all the others of a cold user, or with a cold item, are held out.
    cold_users = {u for u in range(30) if all((u, i) in held_out for i in range(30) if i != u)}
    cold_items = {i for i in range(30) if all((u, i) in held_out for u in range(30) if i != u)}
    assert cold_users
    assert cold_items
    # A cold user's events on items that are not cold, and would be in train, fold them in.
    assert seen == [(n, n) for n in sorted(set(range(30)) - cold_items, key=lambda n: repr((n, n)))]


def test_where_items_may_be_repeated_none_is_left_out_for_being_seen(seen_before) -> None:
    events = [(0, 0, 9, 1.0), (0, 1, 4, 1.0), (0, 2, 6, 0.0)]
    assert seen_before(events, repeats="films=3")[0] == []
    assert seen_before(events, repeats="books=3")[0] == [(0, 2)]
