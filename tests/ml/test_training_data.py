from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.training_data import read, read_availability
from warehouse.errors import NightjarError


def test_rows_come_in_index_order_however_the_files_are_ordered(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    before = read(run.folder)
    users, items = before.train.nonzero()
    backwards = {"user_index": users[::-1], "item_index": items[::-1], "weight": np.arange(len(users))[::-1] + 1.0}
    replace_features(run.folder, "train_interactions", backwards)
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
    after = read(run.folder)
    assert after.item_ids.tolist() == before.item_ids.tolist()
    assert np.flatnonzero(~after.is_available).tolist() == [42]
    assert after.train.nonzero()[1].tolist() == items.tolist()
    assert after.train.data.tolist() == (np.arange(len(users)) + 1.0).tolist()


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("train_interactions", "weight", float("nan"), "column weight has 1 values that are negative or not finite"),
        ("item_features", "value", float("inf"), "column value has 1 values that are negative or not finite"),
        ("user_features", "value", 1e300, "column value has 1 values that are negative or not finite"),
        ("train_interactions", "weight", -1.0, "column weight has 1 values that are negative or not finite"),
        ("train_interactions", "item_index", 43, "column item_index must lie in 0 to 42"),
    ],
)
def test_a_broken_value_is_refused_with_table_and_column(
    plant: Callable[..., Any],
    replace_features: Callable[..., None],
    tmp_path: Path,
    table: str,
    column: str,
    value: float,
    message: str,
) -> None:
    run = plant(tmp_path)
    last = {"user_features": "feature_index", "item_features": "feature_index"}.get(table, "item_index")
    first = "item_index" if table == "item_features" else "user_index"
    number = "weight" if table == "train_interactions" else "value"
    columns = {first: [0, 1], last: [0, 1], number: [1.0, 1.0]}
    columns[column][1] = value
    replace_features(run.folder, table, columns)
    with pytest.raises(NightjarError, match=message) as error:
        read(run.folder)
    assert f"features/{table}" in str(error.value)


def test_a_pair_that_stands_twice_is_refused(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    replace_features(run.folder, "holdout", {"user_index": [1, 1], "item_index": [2, 2]})
    with pytest.raises(NightjarError, match="holdout: 1 rows repeat"):
        read(run.folder)


def test_a_missing_table_names_the_stage_to_run(plant: Callable[..., Any], tmp_path: Path) -> None:
    run = plant(tmp_path)
    (run.folder.features("holdout") / "part-0.parquet").unlink()
    run.folder.features("holdout").rmdir()
    with pytest.raises(NightjarError, match="run the stage build_features first"):
        read(run.folder)


def test_availability_of_another_models_items_is_refused(planted: Any) -> None:
    ids = np.array([f"i{n:02d}" for n in range(43)], dtype=object)
    assert read_availability(planted.folder, ids).sum() == 42
    with pytest.raises(NightjarError, match="run fit_model again"):
        read_availability(planted.folder, ids[::-1])


def test_what_may_be_listed_again_is_left_in_and_told_from_what_was_taken_again(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    before = read(run.folder)
    assert before.repeatable is None
    assert before.left_out is before.train
    users, items = (each[:3] for each in before.train.nonzero())
    again = {"user_index": users, "item_index": items, "is_repeated": np.array([True, False, True])}
    replace_features(run.folder, "repeatable", again)
    data = read(run.folder)
    assert data.left_out.nnz == before.train.nnz - 3
    assert not data.left_out[users, items].any()
    assert data.repeated is not None
    assert list(zip(*data.repeated.nonzero(), strict=True)) == [(users[0], items[0]), (users[2], items[2])]
