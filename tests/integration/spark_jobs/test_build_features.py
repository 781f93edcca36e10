import numpy as np
import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.trending import TRENDING_HALF_LIVES_DAYS
from spark_jobs.build_features import count_interactions, features
from tests.support.refusals import refused

SCHEMAS = {
    "user_ids": "user_index int, user_id string, events bigint, train_items bigint, items bigint",
    "item_ids": "item_index int, item_id string, domain string, title string, is_available boolean, events bigint, "
    "train_users bigint, users bigint",
    "full_interactions": "user_index int, item_index int, weight double, newest_rank int",
    "train_interactions": "user_index int, item_index int, weight double, newest_rank int",
    "holdout": "user_index int, item_index int",
    "shown": "user_index int, item_index int, recency int",
    "train_seen": "user_index int, item_index int",
    "seen": "user_index int, item_index int, recency int, days_since int",
    "user_features": "user_index int, feature_index int, value double",
    "item_features": "item_index int, feature_index int, value double",
    "user_feature_names": "feature_index int, feature string, support bigint",
    "item_feature_names": "feature_index int, feature string, support bigint",
    "popularity": "segment string, domain string, rank int, item_index int, score double",
    "train_popularity": "segment string, domain string, rank int, item_index int, score double",
    "trending": "half_life_days double, item_index int, score double, train_score double, choice_train_score double",
    "user_segments": "user_index int, segment string",
    "choice_train_interactions": "user_index int, item_index int, weight double, newest_rank int",
    "choice_holdout": "user_index int, item_index int",
    "choice_train_seen": "user_index int, item_index int",
    "choice_train_popularity": "segment string, domain string, rank int, item_index int, score double",
}


@pytest.fixture
def events(days_ago):
    return [
        ("e1", "ann", "x", "buy", None, 2.0, None, days_ago(3)),
        ("e2", "ann", "y", "buy", None, 1.0, None, days_ago(2)),
        ("e3", "ann", "z", "skip", None, 0.0, None, days_ago(1)),
        ("e4", "bob", "x", "buy", None, 1.0, None, days_ago(1)),
    ]


def test_interactions_alone_give_every_dataset(snapshot, feature_arguments, keep, rows, events) -> None:
    built = features(snapshot(interactions=events), feature_arguments(), keep())
    assert {name: ", ".join(" ".join(each) for each in frame.dtypes) for name, frame in built.items()} == SCHEMAS
    found = {name: rows(frame) for name, frame in built.items()}
    trending = {(half_life, item): scores for half_life, item, *scores in found.pop("trending")}
    # With a half-life of a day: x 2 / 8 of ann and 1 / 2 of bob, y 1 / 4; in train from the event a day ago on.
    assert (trending[1.0, 0], trending[1.0, 1]) == ([0.75, 1.5, 1.5], [0.25, 0.0, 0.0])
    assert {half_life for half_life, _ in trending} == set(TRENDING_HALF_LIVES_DAYS)
    assert found == {
        "user_ids": [(0, "ann", 3, 1, 2), (1, "bob", 1, 1, 1)],
        "item_ids": [
            (0, "x", "default", None, True, 2, 2, 2),
            (1, "y", "default", None, True, 1, 0, 1),
            (2, "z", "default", None, True, 1, 0, 0),
        ],
        "full_interactions": [(0, 0, 2.0, 2), (0, 1, 1.0, 1), (1, 0, 1.0, 1)],
        "train_interactions": [(0, 0, 2.0, 1), (1, 0, 1.0, 1)],
        "holdout": [(0, 1)],
        "shown": [],
        # Ann skipped z after her cut.
        "train_seen": [],
        "seen": [(0, 0, 3, 3), (0, 1, 2, 2), (0, 2, 1, 1), (1, 0, 1, 1)],
        "user_features": [(0, 0, 1.0), (1, 1, 1.0)],
        "item_features": [(0, 0, 1.0), (1, 1, 1.0)],
        "user_feature_names": [(0, "id:ann", 1), (1, "id:bob", 1)],
        "item_feature_names": [(0, "id:x", 1), (1, "id:y", 1)],
        "popularity": [
            ("all", "default", 1, 0, 3.0),
            ("all", "default", 2, 1, 1.0),
            ("all", "default", 3, 2, 0.0),
        ],
        # Item y is ann's, held out; z is not in demand.
        "train_popularity": [
            ("all", "default", 1, 0, 3.0),
            ("all", "default", 2, 1, 0.0),
            ("all", "default", 3, 2, 0.0),
        ],
        "user_segments": [],
        # Of one item each nothing more is held out.
        "choice_train_interactions": [(0, 0, 2.0, 1), (1, 0, 1.0, 1)],
        "choice_holdout": [],
        "choice_train_seen": [],
        "choice_train_popularity": [
            ("all", "default", 1, 0, 3.0),
            ("all", "default", 2, 1, 0.0),
            ("all", "default", 3, 2, 0.0),
        ],
    }


@pytest.mark.parametrize("kind", ["newest", "time"])
def test_datasets_do_not_depend_on_the_partitions(
    spark, snapshot, feature_arguments, keep, rows, days_ago, kind
) -> None:
    draw = np.random.default_rng(5)
    tables = snapshot(
        interactions=[
            (
                f"e{i}",
                f"u{draw.integers(12)}",
                f"i{draw.integers(15)}",
                "view",
                None,
                float(draw.choice([0.0, 0.1, 0.3, 0.7])),
                float(draw.choice([3.0, 7.0])),
                days_ago(float(draw.integers(40))),
            )
            for i in range(150)
        ],
        item_features=[
            (f"i{item}", f"k:{draw.integers(6)}{j}", float(draw.random())) for item in range(15) for j in range(3)
        ],
        user_features=[(f"u{user}", f"job:{user % 3}", 1.0) for user in range(12)],
    )
    arguments = feature_arguments(
        holdout=kind,
        holdout_fraction=0.3,
        min_feature_support=2,
        max_feature_weight=0.9,
        recency_rank_power=2.0,
        cold_holdout_fraction=0.1,
        domain_holdout_fraction=0.3,
    )
    found = []
    for partitions in (1, 5):
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        split = {name: frame.repartition(partitions) for name, frame in tables.items()}
        found.append({name: rows(frame) for name, frame in features(split, arguments, keep()).items()})
    spark.conf.set("spark.sql.shuffle.partitions", 2)
    assert found[0] == found[1]
    assert len(found[0]["holdout"]) > 0
    assert len(found[0]["choice_holdout"]) > 0
    assert {row[1] for row in found[0]["user_segments"]} == {"job:0", "job:1", "job:2"}


def test_a_snapshot_without_a_positive_interaction_is_refused(snapshot, as_of, days_ago) -> None:
    for events in ([], [("e", "u", "i", "skip", None, 0.0, None, days_ago(1))]):
        with refused(BadInput, "no_events", wording=False, as_of=as_of):
            count_interactions(snapshot(interactions=events)["interactions"], as_of)


def test_a_half_life_of_zero_is_refused(snapshot, as_of, days_ago) -> None:
    events = [("e", "u", "i", "buy", None, 1.0, 0.0, days_ago(1))]
    with refused(BadInput, "value_out_of_range", wording=False, column="half_life_days", value=0.0):
        count_interactions(snapshot(interactions=events)["interactions"], as_of)
