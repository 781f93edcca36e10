from spark_jobs.transforms.seen_items import seen, seen_pairs


def test_seen_ranks_distinct_items_by_their_last_event_ties_by_id(spark, rows, days_ago, as_of) -> None:
    events = [
        (0, 2, days_ago(9)),
        (0, 1, days_ago(5)),
        (0, 0, days_ago(5)),
        (0, 2, days_ago(1)),
        (1, 2, days_ago(7)),
    ]
    frame = spark.createDataFrame(events, "user_index int, item_index int, occurred_at timestamp")
    pairs = seen_pairs(frame.repartition(3))
    assert rows(pairs.select("user_index", "item_index", "events")) == [(0, 0, 1), (0, 1, 1), (0, 2, 2), (1, 2, 1)]
    assert rows(seen(pairs, as_of)) == [(0, 0, 2, 5), (0, 1, 3, 5), (0, 2, 1, 1), (1, 2, 1, 7)]


def test_only_whole_days_since_the_last_event_count(spark, rows, days_ago, as_of) -> None:
    minute = 1 / (24 * 60)
    events = [(0, 0, days_ago(7)), (0, 1, days_ago(7 - minute)), (0, 2, days_ago(minute)), (0, 3, days_ago(7 + minute))]
    frame = spark.createDataFrame(events, "user_index int, item_index int, occurred_at timestamp")
    found = seen(seen_pairs(frame), as_of).select("item_index", "days_since")
    assert rows(found) == [(0, 7), (1, 6), (2, 0), (3, 7)]
