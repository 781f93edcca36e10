import pytest

from spark_jobs.transforms.popularity import popular_items, popularity, train_popularity

ITEMS = "item_index int, item_id string, domain string, title string, is_available boolean"
PAIRS = "user_index int, item_index int, popularity_micros bigint"
SPLIT_PAIRS = f"{PAIRS}, in_train boolean, train_popularity_micros bigint"


@pytest.fixture
def items(spark):
    return spark.createDataFrame(
        [
            (0, "a", "films", None, True),
            (1, "b", "films", None, True),
            (2, "c", "films", None, False),
            (3, "d", "films", None, True),
            (4, "e", "books", None, True),
        ],
        ITEMS,
    )


@pytest.fixture
def popular(spark, items):
    pairs = spark.createDataFrame(
        [(0, 0, 500_000), (1, 0, 500_000), (1, 1, 1_500_000), (2, 2, 9_000_000), (1, 3, 250_000)], PAIRS
    )
    carriers = spark.createDataFrame([(1, "job:x", 2), (2, "job:x", 2)], "user_index int, segment string, users bigint")
    return popularity(pairs, items, carriers, 2)


def test_all_ranks_every_available_item_and_segments_their_best(popular, rows) -> None:
    # User 1 alone has items of job:x: item c, that of user 2, is no longer available.
    assert rows(popular) == [
        ("all", "books", 1, 4, 0.0),
        ("all", "films", 1, 1, 1.5),
        ("all", "films", 2, 0, 1.0),
        ("all", "films", 3, 3, 0.25),
        ("job:x", "films", 1, 1, 1.5),
        ("job:x", "films", 2, 0, 0.5),
    ]


def test_equal_scores_and_cold_items_are_ordered_by_id(spark, items, rows) -> None:
    pairs = spark.createDataFrame([(0, 3, 100), (1, 1, 100)], PAIRS)
    no_carriers = spark.createDataFrame([], "user_index int, segment string, users bigint")
    films = [row for row in rows(popularity(pairs, items, no_carriers, 9)) if row[1] == "films"]
    assert [row[3] for row in films] == [1, 3, 0]


def test_popular_items_are_the_best_of_each_list_by_id(popular, items, rows) -> None:
    table = popular_items(popular, items, 1)
    assert rows(table) == [
        ("all", "books", 1, "e", 0.0),
        ("all", "films", 1, "b", 1.5),
        ("job:x", "films", 1, "b", 1.5),
    ]
    assert dict(table.dtypes) == {
        "segment": "string",
        "domain": "string",
        "rank": "int",
        "item_id": "string",
        "score": "float",
    }


def test_train_popularity_counts_train_events_and_lets_held_out_items_compete(spark, items, rows) -> None:
    pairs = spark.createDataFrame(
        [
            # Item 0: one user of two is held out. Item 1: the newer, larger event of a repeated pair is.
            (0, 0, 500_000, True, 500_000),
            (1, 0, 900_000, False, None),
            (1, 1, 800_000, True, 300_000),
            # Item 2 is no longer available, but was when user 2 was to be recommended it.
            (2, 2, 700_000, False, None),
            (0, 2, 400_000, True, 400_000),
            # Item 3 has held-out events only.
            (2, 3, 600_000, False, None),
        ],
        SPLIT_PAIRS,
    )
    carriers = spark.createDataFrame([(0, "job:x", 2), (2, "job:x", 2)], "user_index int, segment string, users bigint")
    assert rows(train_popularity(pairs, items, carriers, 1)) == [
        ("all", "books", 1, 4, 0.0),
        ("all", "films", 1, 0, 0.5),
        ("all", "films", 2, 2, 0.4),
        ("all", "films", 3, 1, 0.3),
        ("all", "films", 4, 3, 0.0),
        ("job:x", "films", 1, 0, 0.5),
    ]


def test_an_unavailable_item_without_held_out_events_competes_in_neither(spark, items, rows) -> None:
    pairs = spark.createDataFrame([(2, 2, 700_000, True, 700_000), (0, 0, 100, True, 100)], SPLIT_PAIRS)
    no_carriers = spark.createDataFrame([], "user_index int, segment string, users bigint")
    in_train, in_all = (rows(of(pairs, items, no_carriers, 9)) for of in (train_popularity, popularity))
    assert in_train == in_all
    assert 2 not in [row[3] for row in in_train]
