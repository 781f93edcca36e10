from spark_jobs.seen import met_pairs, seen


def test_seen_ranks_distinct_items_by_their_last_event_ties_by_id(spark, rows, days_ago) -> None:
    events = [
        (0, 2, days_ago(9)),
        (0, 1, days_ago(5)),
        (0, 0, days_ago(5)),
        (0, 2, days_ago(1)),
        (1, 2, days_ago(7)),
    ]
    frame = spark.createDataFrame(events, "user_index int, item_index int, occurred_at timestamp")
    met = met_pairs(frame.repartition(3))
    assert rows(met.select("user_index", "item_index", "events")) == [(0, 0, 1), (0, 1, 1), (0, 2, 2), (1, 2, 1)]
    assert rows(seen(met)) == [(0, 0, 2), (0, 1, 3), (0, 2, 1), (1, 2, 1)]
