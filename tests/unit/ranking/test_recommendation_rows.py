"""One block of users as rows; how they are ranked is held by test_ranker."""

import json

import numpy as np
import pyarrow as pa
import pytest

from nightjar.contract.artifacts.sources import HistoryRule, ItemScores, ItemWeights, Source
from nightjar.contract.repeat_rule import Repeats
from nightjar.ranking.recommendation_rows import recommend_to_block
from tests.support.small_models import csr, embeddings_of, small_catalogue

# Users: trained, by features, unknown. Items 0 and 2 have opposite directions and a mean score of 0; 3 is unknown.
TRAINED = embeddings_of([[1], [2], [0]], [[1], [0], [-1], [0]], item_sources=[2, 2, 2, 0], user_sources=[2, 1, 0])
POPULAR = {"films": {"all": [(3, 9.0), (1, 5.0)]}}
# Mean 0, deviation the root of 2/3 too.
OTHER = Source("other", 0.25, ItemScores(np.array([0, 1, -1, 0], np.float32)))
UNIT = np.sqrt(2 / 3)


def users_table(*indices: int) -> pa.Table:
    return pa.table(
        {
            "user_index": pa.array(indices, pa.int32()),
            "user_id": pa.array([f"u{index}" for index in indices], pa.string()),
            "segment": pa.array([None] * len(indices), pa.string()),
        }
    )


def seen_table(*rows: tuple[int, int, int, float | None, int]) -> pa.Table:
    names = {"user_index": pa.int32(), "item_index": pa.int32(), "recency": pa.int32(), "weight": pa.float64()}
    names["days_since"] = pa.int32()
    return pa.table({name: pa.array([row[n] for row in rows], kind) for n, (name, kind) in enumerate(names.items())})


def rows_of(*others: Source, users=(0, 1, 2), seen=(), k: int = 2, **options) -> list[dict]:
    items = small_catalogue(TRAINED, POPULAR, *others)
    return recommend_to_block(users_table(*users), seen_table(*seen), items, k, **options).to_pylist()


def test_rows_name_user_domain_rank_item_and_source() -> None:
    found = [tuple(row[name] for name in ("user_id", "domain", "rank", "item_id", "source")) for row in rows_of()]
    assert found == [
        ("u0", "films", 1, "i0", "personal"),
        ("u0", "films", 2, "i1", "personal"),
        ("u1", "films", 1, "i0", "cold_user"),
        ("u1", "films", 2, "i1", "cold_user"),
        ("u2", "films", 1, "i3", "popular"),
        ("u2", "films", 2, "i1", "popular"),
    ]


def test_contributions_name_each_source_with_what_it_added_in_four_decimals() -> None:
    # 0.75 / 0.8165 = 0.91856 for item 0 and -0.91856 for 2, 0.25 / 0.8165 = 0.30619 for item 1 and against 2.
    found = {(row["user_id"], row["item_id"]): row for row in rows_of(OTHER, k=4)}
    parts = {key: row["contributions"] for key, row in found.items()}
    # A part of zero is left out.
    assert parts["u0", "i0"] == '{"lightfm":0.9186}'
    assert parts["u0", "i1"] == '{"other":0.3062}'
    assert parts["u0", "i2"] == '{"lightfm":-0.9186,"other":-0.3062}'
    assert found["u0", "i2"]["score"] == pytest.approx(-1 / UNIT, abs=1e-6)
    # A user without a trained vector is scored by the embeddings.
    assert parts["u1", "i0"] == '{"lightfm":2}'


def test_popular_rows_have_no_contributions_and_a_score_of_zero_has_none_to_name() -> None:
    parts = {(row["user_id"], row["item_id"]): row["contributions"] for row in rows_of(k=4)}
    assert parts["u0", "i3"] is None
    assert [parts["u2", item] for item in ("i3", "i1")] == [None, None]
    assert parts["u1", "i1"] == "{}"


def test_contributions_are_json_whatever_the_size_of_the_numbers() -> None:
    trained = embeddings_of([[1]], [[1e9], [1e-4], [4e-5], [-12345.678]], user_sources=[1])
    rows = recommend_to_block(users_table(0), seen_table(), small_catalogue(trained, POPULAR), 4).to_pylist()
    assert [json.loads(row["contributions"]) for row in rows] == [
        {"lightfm": 1e9},
        {"lightfm": 0.0001},
        {},
        {"lightfm": pytest.approx(-12345.678, abs=1e-3)},
    ]


def test_columns_have_the_types_of_the_published_table() -> None:
    table = recommend_to_block(users_table(), seen_table(), small_catalogue(TRAINED, POPULAR, OTHER), 2)
    assert table.num_rows == 0
    assert {field.name: field.type for field in table.schema} == {
        "user_id": pa.string(),
        "domain": pa.string(),
        "rank": pa.int32(),
        "item_id": pa.string(),
        "score": pa.float32(),
        "source": pa.string(),
        "contributions": pa.string(),
        "reason_item_id": pa.string(),
    }


def test_seen_items_are_left_out_until_they_may_be_repeated() -> None:
    # Item 0 was bought five days ago, item 1 seen nine days ago.
    seen = [(0, 0, 1, 1.0, 5), (0, 1, 2, None, 9)]

    def listed(repeats: str) -> list[str]:
        return [row["item_id"] for row in rows_of(users=[0], seen=seen, k=4, repeats=Repeats.of(repeats))]

    assert listed("") == ["i2", "i3"]
    assert listed("films=5") == ["i0", "i1", "i2", "i3"]
    assert listed("6") == ["i1", "i2", "i3"]
    assert listed("books=0") == ["i2", "i3"]


def of_newest_rank(ranks: list[float | None] | None) -> dict:
    """The first recommendation of user 0, by whose items 0 and 1 the items 2 and 3 are one step ahead; 1 is older."""
    # Items 0 to 3 have interactions. One rank less weighs 1/e.
    trained = embeddings_of([[0]], [[1], [2], [3], [4]])
    weights = csr([[0, 0, 1, 0], [0, 0, 0, 1], [0] * 4, [0] * 4])
    items = small_catalogue(
        trained, POPULAR, Source("transitions", 1.0, ItemWeights(weights, HistoryRule(1.0, decay=1.0)))
    )
    seen = seen_table((0, 0, 1, 1.0, 5), (0, 1, 2, 1.0, 9))
    if ranks is not None:
        seen = seen.append_column("newest_rank", pa.array(ranks, pa.float64()))
    return recommend_to_block(users_table(0), seen, items, 1).to_pylist()[0]


def test_seen_items_are_weighed_by_their_newest_rank() -> None:
    assert (of_newest_rank([1.0, 2.0])["item_id"], of_newest_rank([1.0, 2.0])["reason_item_id"]) == ("i2", "i0")
    assert (of_newest_rank([2.0, 1.0])["item_id"], of_newest_rank([2.0, 1.0])["reason_item_id"]) == ("i3", "i1")


def test_seen_items_without_a_newest_rank_have_the_order_of_their_recency() -> None:
    # 0, 0, 1, 1 / e: of mean (1 + 1 / e) / 4.
    values = np.array([0, 0, 1, np.exp(-1)])
    expected = (values[2] - values.mean()) / values.std()
    for ranks in (None, [1.0, 2.0]):
        found = of_newest_rank(ranks)
        assert (found["item_id"], found["reason_item_id"]) == ("i2", "i0")
        assert found["score"] == pytest.approx(expected, abs=1e-6)


def test_a_seen_item_without_weight_takes_no_place_in_the_order_of_recency() -> None:
    # Only viewed, item 2 is the newest: items 0 and 1 are at the ranks 1 and 2 all the same.
    trained = embeddings_of([[0]], [[1], [2], [3], [4], [5]])
    weights = csr([[0, 0, 0, 1, 0], [0, 0, 0, 0, 1], *[[0] * 5] * 3])
    rule = HistoryRule(1.0, newest=1)
    items = small_catalogue(trained, POPULAR, Source("transitions", 1.0, ItemWeights(weights, rule)))
    seen = seen_table((0, 2, 1, None, 1), (0, 0, 2, 1.0, 5), (0, 1, 3, 1.0, 9))
    [first, second] = recommend_to_block(users_table(0), seen, items, 2).to_pylist()
    # 0, 0, 0, 1, 0: mean 0.2, deviation 0.4.
    assert [(row["item_id"], row["reason_item_id"]) for row in (first, second)] == [("i3", "i0"), ("i4", "i0")]
    assert (first["score"], second["score"]) == (pytest.approx(2), pytest.approx(-0.5))


def test_the_order_of_users_and_seen_items_does_not_matter() -> None:
    seen = [(0, 0, 1, 1.0, 5), (0, 1, 2, 0.5, 9), (1, 2, 1, 1.0, 5)]
    assert rows_of(OTHER, users=[2, 0, 1], seen=seen[::-1]) == rows_of(OTHER, seen=seen)
