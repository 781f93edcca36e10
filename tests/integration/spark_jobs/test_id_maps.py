from spark_jobs.transforms import id_maps


def test_indices_follow_the_binary_order_of_the_ids(spark, rows, snapshot) -> None:
    # As UTF-8 the emoji (F0...) comes after U+FFFF (EF...); as UTF-16 it would come before.
    ids = ["😀", "\uffff", "é", "a", "Z", "9", "10", "'; drop table users; --"]
    tables = snapshot(users=[(each, None) for each in ids])
    numbered = id_maps.number_users(tables["users"].repartition(3), tables["interactions"])
    assert [row[1] for row in rows(numbered)] == ["'; drop table users; --", "10", "9", "Z", "a", "é", "\uffff", "😀"]
    assert [row[0] for row in rows(numbered)] == list(range(8))


def test_users_and_items_with_events_only_are_numbered_too(rows, snapshot, days_ago) -> None:
    tables = snapshot(
        interactions=[("e1", "u2", "i2", "view", None, 1.0, None, days_ago(1))],
        users=[("u1", None)],
        items=[("i1", "films", "One", False)],
    )
    assert rows(id_maps.number_users(tables["users"], tables["interactions"])) == [(0, "u1"), (1, "u2")]
    assert rows(id_maps.number_items(tables["items"], tables["interactions"])) == [
        (0, "i1", "films", "One", False),
        (1, "i2", "default", None, True),
    ]


def test_ids_count_events_and_distinct_positive_partners(spark, rows) -> None:
    users = spark.createDataFrame([(0, "a"), (1, "b")], "user_index int, user_id string")
    items = spark.createDataFrame(
        [(0, "x", "d", None, True), (1, "y", "d", None, True)],
        "item_index int, item_id string, domain string, title string, is_available boolean",
    )
    seen = spark.createDataFrame([(0, 0, 2), (0, 1, 2)], "user_index int, item_index int, events bigint")
    pairs = spark.createDataFrame([(0, 0, True), (0, 1, False)], "user_index int, item_index int, in_train boolean")
    assert rows(id_maps.user_ids(users, seen, pairs)) == [(0, "a", 4, 1, 2), (1, "b", 0, 0, 0)]
    assert rows(id_maps.item_ids(items, seen, pairs)) == [
        (0, "x", "d", None, True, 2, 1, 1),
        (1, "y", "d", None, True, 2, 0, 1),
    ]
