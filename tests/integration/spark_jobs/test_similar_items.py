import numpy as np
import pyarrow as pa
import pytest

from nightjar.ranking import catalogue
from spark_jobs.scoring.similar_items import compare_block, similar_items

ITEMS = [
    ("a", "films", True),
    ("b", "films", True),
    ("c", "films", False),
    ("d", "books", True),
    ("zero", "films", True),
    ("unknown", "films", True),
    ("e", "films", True),
]
VECTORS = [[1, 0], [3, 4], [0, 2], [-5, 0], [0, 0], [1, 1], [2, 0]]
POPULAR = [("all", "films", n + 1, item, 0.0) for n, item in enumerate((0, 1, 4, 5, 6))] + [("all", "books", 1, 3, 0.0)]


@pytest.fixture
def folder(write_run_folder):
    return write_run_folder(ITEMS, VECTORS, POPULAR, item_sources=[2, 2, 2, 2, 2, 0, 1], user_vectors=[[0, 0]])


def test_similar_items_are_available_items_by_cosine_without_the_item_itself(folder) -> None:
    block = pa.table({"item_index": pa.array([6, 0, 2, 4, 5], pa.int32())})
    found = compare_block(block, catalogue.load_catalogue(str(folder.path)), 2).to_pylist()
    rows = [
        (row["item_id"], row["target_domain"], row["rank"], row["similar_item_id"], round(row["similarity"], 6))
        for row in found
    ]
    # No rows for `zero` and `unknown`, neither as item nor as neighbour; c is unavailable: an item, no neighbour.
    assert rows == [
        ("a", "books", 1, "d", -1.0),
        ("a", "films", 1, "e", 1.0),
        ("a", "films", 2, "b", 0.6),
        ("c", "books", 1, "d", 0.0),
        ("c", "films", 1, "b", 0.8),
        ("c", "films", 2, "a", 0.0),
        ("e", "books", 1, "d", -1.0),
        ("e", "films", 1, "a", 1.0),
        ("e", "films", 2, "b", 0.6),
    ]


def test_a_cosine_never_leaves_minus_one_to_one(write_run_folder) -> None:
    draw = np.random.default_rng(0)
    directions = np.repeat(draw.normal(size=(50, 33)), 2, axis=0)
    items = [(f"i{n:03d}", "films", True) for n in range(100)]
    popular = [("all", "films", n + 1, n, 0.0) for n in range(100)]
    folder = write_run_folder(items, directions, popular, user_vectors=[[0] * 33])
    loaded = catalogue.load_catalogue(str(folder.path))
    assert (loaded.units @ loaded.units.T).max() > 1.0, "no rounding to guard against: choose other vectors"
    cosines = compare_block(pa.table({"item_index": range(100)}), loaded, 3)["similarity"].to_numpy()
    assert cosines.max() == 1.0


def test_similar_items_do_not_depend_on_the_partitions(spark, folder) -> None:
    item_ids = spark.read.parquet(str(folder.features("item_ids")))
    found = [
        sorted(tuple(row) for row in similar_items(item_ids.repartition(n), str(folder.path), 2, 3).collect())
        for n in (1, 5)
    ]
    assert found[0] == found[1]
    # a, b, c and e have two films and a book each; d, the only book, has two films.
    assert len(found[0]) == 14
