from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.stages.validation_window import leave_out_holdout
from nightjar.contract.run_folder import RunFolder

EVENTS = {
    "event_id": ["e1", "e2", "e3", "e4", "e5", "e6"],
    "user_id": ["ann", "ann", "ann", "bob", "bob", "cid"],
    "item_id": ["film", "book", "film", "film", "game", "book"],
}


@pytest.fixture
def run_folder(tmp_path: Path) -> RunFolder:
    """Held out are (ann, film), which has two events, and (bob, game)."""
    folder = RunFolder(tmp_path / "run")
    tables = {
        "snapshot/interactions.parquet": EVENTS,
        "snapshot/items.parquet": {"item_id": ["book", "film", "game"]},
        "features/user_ids/part-0.parquet": {"user_index": [0, 1, 2], "user_id": ["ann", "bob", "cid"]},
        "features/item_ids/part-0.parquet": {"item_index": [0, 1, 2], "item_id": ["book", "film", "game"]},
        "features/holdout/part-0.parquet": {"user_index": [0, 1], "item_index": [1, 2]},
    }
    for name, columns in tables.items():
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder.path / name)
    return folder


def test_the_window_omits_every_event_of_a_held_out_pair_and_keeps_the_order_of_the_others(
    run_folder: RunFolder, tmp_path: Path
) -> None:
    window = RunFolder(tmp_path / "window")
    assert leave_out_holdout(run_folder, window) == 3
    kept = pq.read_table(window.snapshot("interactions"))
    assert kept.to_pydict() == {
        "event_id": ["e2", "e4", "e6"],
        "user_id": ["ann", "bob", "cid"],
        "item_id": ["book", "film", "book"],
    }


def test_the_other_tables_are_those_of_the_run_whose_files_do_not_change(run_folder: RunFolder, tmp_path: Path) -> None:
    window = RunFolder(tmp_path / "window")
    for _ in range(2):
        leave_out_holdout(run_folder, window)
    assert window.snapshot("items").samefile(run_folder.snapshot("items"))
    assert pq.read_table(run_folder.snapshot("interactions")).to_pydict() == EVENTS


def test_the_window_is_the_same_to_the_byte(run_folder: RunFolder, tmp_path: Path) -> None:
    windows = [RunFolder(tmp_path / name) for name in ("one", "two")]
    for window in windows:
        leave_out_holdout(run_folder, window)
    one, two = (window.snapshot("interactions").read_bytes() for window in windows)
    assert one == two
