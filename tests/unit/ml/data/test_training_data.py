from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.data.training_data import popularity_by_users, read_availability, read_training_data
from nightjar.contract.errors import NightjarError
from tests.support.refusals import refused
from tests.support.small_rankers import domains_of, matrix
from tests.support.small_training_data import training_data


def test_rows_are_in_index_order_whatever_the_order_of_the_files(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    before = read_training_data(run.folder.features_folder)
    users, items = before.train.nonzero()
    backwards = {"user_index": users[::-1], "item_index": items[::-1], "weight": np.arange(len(users))[::-1] + 1.0}
    ranks = {"newest_rank": np.arange(len(users))[::-1] + 5}
    replace_features(run.folder, "train_interactions", backwards | ranks)
    replace_features(
        run.folder,
        "item_ids",
        {
            "item_index": np.arange(43)[::-1],
            "item_id": [f"i{n:02d}" for n in range(43)][::-1],
            "domain": ["default"] * 43,
            "is_available": [n != 42 for n in range(43)][::-1],
        },
    )
    after = read_training_data(run.folder.features_folder)
    assert after.item_ids.tolist() == before.item_ids.tolist()
    assert np.flatnonzero(~after.is_available).tolist() == [42]
    assert after.train.nonzero()[1].tolist() == items.tolist()
    assert after.train.data.tolist() == (np.arange(len(users)) + 1.0).tolist()
    assert after.train_part.history.newest_ranks.data.tolist() == (np.arange(len(users)) + 5.0).tolist()


@pytest.mark.parametrize(
    ("table", "column", "value", "fields"),
    [
        ("train_interactions", "weight", float("nan"), {"count": 1, "row": 1}),
        ("item_features", "value", float("inf"), {"count": 1, "row": 1}),
        ("user_features", "value", 1e300, {"count": 1, "row": 1}),
        ("train_interactions", "weight", -1.0, {"count": 1, "row": 1}),
        ("train_interactions", "item_index", 43, {"expected": (0, 42)}),
    ],
)
def test_a_broken_value_is_refused_with_table_and_column(
    plant: Callable[..., Any],
    replace_features: Callable[..., None],
    tmp_path: Path,
    table: str,
    column: str,
    value: float,
    fields: dict[str, Any],
) -> None:
    run = plant(tmp_path)
    last = {"user_features": "feature_index", "item_features": "feature_index"}.get(table, "item_index")
    first = "item_index" if table == "item_features" else "user_index"
    number = "weight" if table == "train_interactions" else "value"
    columns = {first: [0, 1], last: [0, 1], number: [1.0, 1.0]}
    columns[column][1] = value
    replace_features(run.folder, table, columns)
    file = run.folder.features(table)
    with refused(NightjarError, "value_out_of_range", file=file, column=column, **fields):
        read_training_data(run.folder.features_folder)


def test_a_duplicate_pair_is_refused(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    replace_features(run.folder, "holdout", {"user_index": [1, 1], "item_index": [2, 2]})
    with refused(NightjarError, "duplicate_rows", file=run.folder.features("holdout"), count=1):
        read_training_data(run.folder.features_folder)


def test_a_missing_table_names_the_stage_to_run(plant: Callable[..., Any], tmp_path: Path) -> None:
    run = plant(tmp_path)
    (run.folder.features("holdout") / "part-0.parquet").unlink()
    run.folder.features("holdout").rmdir()
    missing = run.folder.features("holdout")
    with refused(NightjarError, "missing_input", file=missing, stage="build_features"):
        read_training_data(run.folder.features_folder)


def test_availability_of_another_models_items_is_refused(planted: Any) -> None:
    ids = np.array([f"i{n:02d}" for n in range(43)], dtype=object)
    assert read_availability(planted.folder.features_folder, ids).sum() == 42
    with refused(NightjarError, "model_of_other_features", path=planted.folder.features("item_ids")):
        read_availability(planted.folder.features_folder, ids[::-1])


def test_possible_repeats_compete_and_actual_repeats_are_marked(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    before = read_training_data(run.folder.features_folder)
    assert before.repeatable is None
    assert (before.left_out != before.train).nnz == 0
    users, items = (each[:3] for each in before.train.nonzero())
    again = {"user_index": users, "item_index": items, "is_repeated": np.array([True, False, True])}
    replace_features(run.folder, "repeatable", again)
    data = read_training_data(run.folder.features_folder)
    assert data.left_out.nnz == before.train.nnz - 3
    assert not data.left_out[users, items].any()
    assert data.repeated is not None
    assert list(zip(*data.repeated.nonzero(), strict=True)) == [(users[0], items[0]), (users[2], items[2])]


def test_each_part_has_the_popularity_of_its_own_pairs(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    # The rows of a file are in any order.
    lists = {"segment": ["all", "even", "all"], "domain": ["default"] * 3, "rank": [2, 1, 1], "item_index": [7, 7, 9]}
    replace_features(run.folder, "popularity", lists | {"score": [1.5, 8.0, 2.5]})
    replace_features(run.folder, "train_popularity", lists | {"item_index": [3, 4, 5], "score": [0.5, 1.0, 4.5]})
    trending = {"half_life_days": [14.0, 14.0, 4.0], "item_index": [9, 7, 7]}
    scores = {"score": [2.0, 6.0, 5.0], "train_score": [1.0, 0.0, 5.0], "choice_train_score": [0.5, 0.0, 0.0]}
    replace_features(run.folder, "trending", trending | scores)
    data = read_training_data(run.folder.features_folder)
    full, train = data.full_part.popularity, data.train_part.popularity
    assert {segment: each.items.tolist() for segment, each in full.lists["default"].items()} == {
        "all": [9, 7],
        "even": [7],
    }
    assert full.lists["default"]["all"].scores.tolist() == [2.5, 1.5]
    assert train.lists["default"]["all"].items.tolist() == [5, 3]
    assert train.lists["default"]["even"].scores.tolist() == [1.0]
    assert (full.trending[14.0][[7, 9]].tolist(), train.trending[14.0][[7, 9]].tolist()) == ([6, 2], [0, 1])
    assert [full.trending[days].sum() for days in (1.0, 4.0, 14.0)] == [0, 5, 8]
    before = data.before(data.choices[0]).train_part.popularity
    assert before.trending[14.0][[7, 9]].tolist() == [0, 0.5]
    scores = full.of_everyone(43)
    assert (scores[[9, 7]].tolist(), scores.sum()) == ([2.5, 1.5], 4)
    assert data.full_part.pairs is data.full
    assert data.train_part.pairs is data.train


def test_a_user_without_a_segment_has_none(planted: Any) -> None:
    segments = read_training_data(planted.folder.features_folder).user_segments
    assert segments[[0, 1, 30, 31]].tolist() == ["taste:even", "taste:odd", "taste:even", None]
    assert training_data(matrix([[1, 0]])).user_segments.tolist() == [None]


def test_without_popularity_lists_items_are_ranked_by_their_users_and_equal_ones_by_id() -> None:
    pairs = matrix([[1, 0, 5, 0, 0], [0, 0, 5, 0, 1], [0, 0, 0, 0, 0]])
    found = popularity_by_users(pairs, domains_of("aabaa"), np.array(["e", "d", "c", "b", "a"], object))
    lists = {domain: of_domain["all"] for domain, of_domain in found.lists.items()}
    assert {domain: each.items.tolist() for domain, each in lists.items()} == {"a": [4, 0, 3, 1], "b": [2]}
    assert lists["a"].scores.tolist() == [1, 1, 0, 0]
    assert found.of_everyone(5).tolist() == [1, 0, 2, 0, 1]
    assert {tuple(scores.tolist()) for scores in found.trending.values()} == {(1, 0, 2, 0, 1)}


def test_items_of_the_holdout_compete_although_they_are_no_longer_available() -> None:
    data = training_data(
        matrix([[1, 0, 0, 0]]), holdout=matrix([[0, 1, 1, 0]]), is_available=[True, True, False, False]
    )
    assert data.competes.tolist() == [True, True, True, False]
