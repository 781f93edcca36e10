import pytest

from spark_jobs.transforms.popularity import popular_items, popularity

ITEMS = "item_index int, item_id string, domain string, title string, is_available boolean"
PAIRS = "user_index int, item_index int, popularity_micros bigint"


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
