import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.repeat_rule import Repeats
from nightjar.ranking import catalogue
from nightjar.ranking.recommendation_rows import recommend_to_block
from spark_jobs.scoring.recommendations import recommendations

# Films a to e and books x to z. The model does not know film e; film d is no longer available.
ITEMS = [
    ("a", "films", True),
    ("b", "films", True),
    ("c", "films", True),
    ("d", "films", False),
    ("e", "films", True),
    ("x", "books", True),
    ("y", "books", True),
]
VECTORS = [[4, 0], [3, 0], [0, 4], [9, 9], [0, 0], [1, 0], [0, 1]]
POPULAR = [
    ("all", "films", 1, 2, 5.0),
    ("all", "films", 2, 0, 4.0),
    ("all", "films", 3, 4, 1.0),
    ("all", "films", 4, 1, 0.0),
    ("all", "books", 1, 6, 2.0),
    ("all", "books", 2, 5, 1.0),
    ("job:x", "films", 1, 1, 3.0),
]


@pytest.fixture
def score(write_run_folder):
    """Score users given as (vector, known, segment, seen items newest first) and return rows by user and domain.

    The newest of the seen items had its last event five days ago, the one before six, and so on.
    """

    def run(users, k, repeats="", **model):
        folder = write_run_folder(
            ITEMS,
            VECTORS,
            POPULAR,
            item_sources=[2, 2, 2, 2, 0, 2, 1],
            user_vectors=[user[0] for user in users],
            user_sources=[user[1] for user in users],
            **model,
        )
        block = pa.table(
            {
                "user_index": pa.array(range(len(users)), pa.int32()),
                "user_id": [f"u{index}" for index in range(len(users))],
                "segment": pa.array([user[2] for user in users], pa.string()),
            }
        )
        seen = [(index, item, n + 1) for index, user in enumerate(users) for n, item in enumerate(user[3])]
        seen_rows = pa.table(
            {
                name: pa.array([row[i] for row in seen], pa.int32())
                for i, name in enumerate(("user_index", "item_index", "recency"))
            }
            | {
                "weight": pa.array([1.0 / row[2] for row in seen], pa.float64()),
                "days_since": pa.array([row[2] + 4 for row in seen], pa.int32()),
            }
        )
        table = recommend_to_block(
            block, seen_rows, catalogue.load_catalogue(str(folder.path)), k, repeats=Repeats.of(repeats)
        )
        lists = {}
        for row in table.to_pylist():
            lists.setdefault((row["user_id"], row["domain"]), []).append(
                (row["rank"], row["item_id"], row["score"], row["source"], row["reason_item_id"])
            )
        return lists

    return run


def test_known_users_get_the_order_of_the_model_and_then_popular_items(score) -> None:
    # Biases: film b gains 2 and so passes film a. Film e is unknown to the model, so only popularity can bring it.
    lists = score([([1, 0], 2, None, [2])], 3, item_biases=[0, 2, 0, 0, 0, 0, 0])
    # The scores of the trained items a, b, c, d, x are 4, 5, 0, 9, 1: mean 3.8, variance 10.16.
    b, a, x, y = (pytest.approx((score - 3.8) / np.sqrt(10.16), abs=1e-6) for score in (5, 4, 1, 0))
    assert lists == {
        ("u0", "films"): [
            (1, "b", b, "personal", "c"),
            (2, "a", a, "personal", "c"),
            (3, "e", 1.0, "popular", None),
        ],
        ("u0", "books"): [(1, "x", x, "personal", "c"), (2, "y", y, "personal", "c")],
    }


def test_a_user_with_features_only_is_cold_and_an_unknown_one_gets_popular_items(score) -> None:
    lists = score([([0, 1], 1, "job:x", []), ([0, 0], 0, None, []), ([0, 0], 0, "job:rare", [])], 2)
    assert lists["u0", "films"] == [(1, "c", 4.0, "cold_user", None), (2, "a", 0.0, "cold_user", None)]
    popular = [(1, "c", 5.0, "popular", None), (2, "a", 4.0, "popular", None)]
    assert lists["u1", "films"] == popular
    assert lists["u2", "films"] == popular


def test_an_unknown_user_of_a_segment_gets_its_popular_items_first(score) -> None:
    lists = score([([0, 0], 0, "job:x", [])], 3)
    assert lists["u0", "films"] == [
        (1, "b", 3.0, "segment_popular", None),
        (2, "c", 5.0, "popular", None),
        (3, "a", 4.0, "popular", None),
    ]
    assert [row[3] for row in lists["u0", "books"]] == ["popular", "popular"]


def test_a_domain_with_fewer_than_k_unseen_items_gives_a_shorter_list(score) -> None:
    lists = score([([1, 0], 2, None, [0, 5, 6])], 10)
    assert [(rank, item) for rank, item, *_ in lists["u0", "films"]] == [(1, "b"), (2, "c"), (3, "e")]
    assert ("u0", "books") not in lists


@pytest.mark.parametrize(
    ("repeats", "films"),
    [
        ("", ["b", "e"]),
        ("6", ["a", "b", "e"]),
        ("7", ["b", "e"]),
        ("films=5", ["a", "b", "c"]),
        ("books=0", ["b", "e"]),
    ],
)
def test_a_seen_item_is_recommended_again_after_the_days_of_its_domain(score, repeats, films) -> None:
    # Film c was seen five days ago, film a six.
    lists = score([([1, 0], 2, None, [2, 0])], 3, repeats)
    assert [item for _, item, *_ in lists["u0", "films"]] == films


def test_a_repeat_competes_by_its_score_and_is_no_reason_for_itself(score) -> None:
    lists = score([([1, 0], 2, None, [0])], 3, "films=5")
    assert [(item, *rest) for _, item, _, *rest in lists["u0", "films"]] == [
        ("a", "personal", None),
        ("b", "personal", "a"),
        ("c", "personal", "a"),
    ]


def test_seen_popular_items_fill_a_list_again_when_repeats_allow(score) -> None:
    def unknown(repeats):
        return [item for _, item, *_ in score([([0, 0], 0, "job:x", [2, 1])], 2, repeats)["u0", "films"]]

    # Film c is everyone's favourite, film b the segment's; c was seen five days ago, b six.
    assert [unknown(repeats) for repeats in ("", "*=6", "films=5,books=0")] == [["a", "e"], ["b", "a"], ["b", "c"]]


def test_the_reason_may_be_an_item_that_is_no_longer_available(score) -> None:
    [(rank, item, _, source, reason)] = score([([1, 0], 2, None, [3])], 1)["u0", "films"]
    assert (rank, item, source, reason) == (1, "a", "personal", "d")


def test_a_catalogue_without_an_available_item_gives_no_rows(write_run_folder) -> None:
    folder = write_run_folder([("a", "films", False)], [[1, 0]], [], user_vectors=[[1, 0]])
    users = pa.table({"user_index": [0], "user_id": ["u"], "segment": pa.array([None], pa.string())})
    seen = pa.table({name: pa.array([], pa.int32()) for name in ("user_index", "item_index", "recency", "weight")})
    assert recommend_to_block(users, seen, catalogue.load_catalogue(str(folder.path)), 3).num_rows == 0


@pytest.fixture
def town(write_run_folder):
    """Write 60 users and 45 items in two domains, a third of which have a twin of the same scores; return the parts."""
    draw = np.random.default_rng(3)
    available, domains = draw.random(45) < 0.8, ["films" if item % 3 else "books" for item in range(45)]
    twins = np.arange(45) % 30
    parts = {
        "item_sources": draw.choice([0, 1, 2], 45).tolist(),
        "user_sources": draw.choice([0, 1, 2], 60).tolist(),
        "item_vectors": draw.normal(size=(45, 4))[twins],
        "user_vectors": draw.normal(size=(60, 4)),
        "item_biases": draw.normal(size=45)[twins].tolist(),
        "segments": [(user, "job:x") for user in range(0, 60, 4)],
    }
    popular = []
    for segment, size in (("all", 45), ("job:x", 6)):
        for domain in ("films", "books"):
            listed = [item for item in draw.permutation(45) if available[item] and domains[item] == domain][:size]
            popular += [(segment, domain, n + 1, int(item), float(100 - n)) for n, item in enumerate(listed)]
    parts["popular"] = popular
    parts["seen"] = [
        (user, int(item), n + 1)
        for user in range(60)
        for n, item in enumerate(draw.choice(45, int(draw.integers(0, 30)), replace=False))
    ]
    parts["items"] = [(f"i{item:02d}", domains[item], bool(available[item])) for item in range(45)]
    return write_run_folder(**parts), parts


def weighted_seen(folder):
    keys = ["user_index", "item_index"]
    return pq.read_table(folder.features("seen")).join(pq.read_table(folder.features("full_interactions")), keys)


def expected_lists(parts, k):
    """Score one user at a time, the plain way."""
    score = parts["user_vectors"] @ parts["item_vectors"].T + np.array(parts["item_biases"])
    of_trained = score[:, np.array(parts["item_sources"]) == 2]
    mean, deviation = of_trained.mean(axis=1), of_trained.std(axis=1)
    segments = dict(parts["segments"])
    lists = {}
    for user, level in enumerate(parts["user_sources"]):
        seen_items = {item for who, item, _ in parts["seen"] if who == user}
        for domain in ("books", "films"):
            candidates = [
                (-score[user, item], item, {2: "personal", 1: "cold_user"}[level])
                for item, (_, of, is_available) in enumerate(parts["items"])
                if level and of == domain and is_available and parts["item_sources"][item] and item not in seen_items
            ]
            # Those of a trained user are standardised, so that they compare with what other sources say.
            offset, unit = (mean[user], deviation[user]) if level == 2 else (0, 1)
            chosen = [
                (item, pytest.approx((-minus - offset) / unit, abs=1e-5), source)
                for minus, item, source in sorted(candidates)[:k]
            ]
            fills = [("job:x", "segment_popular")] if level == 0 and user in segments else []
            for wanted, source in [*fills, ("all", "popular")]:
                for segment, of, _, item, points in parts["popular"]:
                    if (segment, of) == (wanted, domain) and item not in seen_items | {row[0] for row in chosen}:
                        chosen += [(item, points, source)] if len(chosen) < k else []
            if chosen:
                lists[f"u{user:05d}", domain] = [(f"i{item:02d}", *rest) for item, *rest in chosen]
    return lists


def test_the_job_matches_a_loop_over_users_whatever_the_partitions(spark, town) -> None:
    folder, parts = town
    found = []
    for partitions, block_users in ((1, 16), (5, 16), (2, 7)):
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        frames = [
            spark.read.parquet(str(folder.features(name))).repartition(partitions)
            for name in ("user_ids", "user_segments", "seen", "full_interactions")
        ]
        scored = recommendations(*frames, str(folder.path), 5, 0.0, block_users)
        assert dict(scored.dtypes) == {
            "user_id": "string",
            "domain": "string",
            "rank": "int",
            "item_id": "string",
            "score": "float",
            "source": "string",
            "contributions": "string",
            "reason_item_id": "string",
        }
        found.append(sorted((tuple(row) for row in scored.collect()), key=repr))
    spark.conf.set("spark.sql.shuffle.partitions", 2)
    assert found[0] == found[1] == found[2]
    lists = {}
    for user, domain, rank, item, points, source, *_ in found[0]:
        lists.setdefault((user, domain), []).append((item, points, source))
        assert rank == len(lists[user, domain])
    assert lists == expected_lists(parts, 5)
    assert {row[5] for row in found[0]} == {"personal", "cold_user", "segment_popular", "popular"}


def test_every_list_is_full_and_holds_no_seen_or_unavailable_item(town) -> None:
    folder, parts = town
    users = pq.read_table(folder.features("user_ids")).append_column("segment", pa.array([None] * 60, pa.string()))
    table = recommend_to_block(users, weighted_seen(folder), catalogue.load_catalogue(str(folder.path)), 5)
    listed = {}
    for row in table.to_pylist():
        listed.setdefault((row["user_id"], row["domain"]), set()).add(row["item_id"])
    for user in range(60):
        seen_items = {f"i{item:02d}" for who, item, _ in parts["seen"] if who == user}
        for domain in ("books", "films"):
            fresh = {item for item, of, available in parts["items"] if of == domain and available} - seen_items
            chosen = listed.get((f"u{user:05d}", domain), set())
            assert len(chosen) == min(5, len(fresh))
            assert chosen <= fresh


def test_the_order_of_the_rows_of_a_block_changes_nothing(town) -> None:
    folder, _ = town
    users = pq.read_table(folder.features("user_ids")).append_column("segment", pa.array([None] * 60, pa.string()))
    seen, items = weighted_seen(folder), catalogue.load_catalogue(str(folder.path))
    backwards = recommend_to_block(users.take(np.arange(59, -1, -1)), seen.take(np.arange(len(seen))[::-1]), items, 5)
    assert backwards.equals(recommend_to_block(users, seen, items, 5))
