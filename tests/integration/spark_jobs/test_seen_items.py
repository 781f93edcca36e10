from spark_jobs.transforms.seen_items import seen, seen_pairs

EVENTS = "user_index int, item_index int, occurred_at timestamp, event_id string"


def test_seen_ranks_distinct_items_by_their_last_event_ties_by_event_id(spark, rows, days_ago, as_of) -> None:
    events = [
        (0, 2, days_ago(9), "z"),
        (0, 1, days_ago(5), "a"),
        # The last event of the pair is e, of the same time as b.
        (0, 0, days_ago(5), "e"),
        (0, 0, days_ago(5), "b"),
        (0, 3, days_ago(5), "d"),
        (0, 2, days_ago(1), "a"),
        (1, 2, days_ago(7), "a"),
    ]
    frame = spark.createDataFrame(events, EVENTS)
    pairs = seen_pairs(frame.repartition(3))
    assert rows(pairs.select("user_index", "item_index", "events")) == [
        *((0, 0, 2), (0, 1, 1), (0, 2, 2), (0, 3, 1)),
        (1, 2, 1),
    ]
    assert rows(seen(pairs, as_of)) == [(0, 0, 2, 5), (0, 1, 4, 5), (0, 2, 1, 1), (0, 3, 3, 5), (1, 2, 1, 7)]


def test_only_whole_days_since_the_last_event_count(spark, rows, days_ago, as_of) -> None:
    minute = 1 / (24 * 60)
    ages = (7, 7 - minute, minute, 7 + minute)
    frame = spark.createDataFrame([(0, item, days_ago(age), "e") for item, age in enumerate(ages)], EVENTS)
    found = seen(seen_pairs(frame), as_of).select("item_index", "days_since")
    assert rows(found) == [(0, 7), (1, 6), (2, 0), (3, 7)]
