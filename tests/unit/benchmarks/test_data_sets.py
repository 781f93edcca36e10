"""What a data set of the benchmark is, by the files of its folder."""

from pathlib import Path

import pytest

from benchmarks.quality.data_sets import data_set_of, sequence_rows
from benchmarks.quality.peers import peers_of
from benchmarks.quality.protocols import protocols_of


def folder_of(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).touch()
    return folder


def test_sequences_without_times_are_split_by_the_order_of_each_user_alone(tmp_path: Path) -> None:
    data = data_set_of(folder_of(tmp_path, "sequences.txt"))
    assert (data.has_clock_times, data.has_sessions) == (False, False)
    assert [each.settings["holdout"] for each in protocols_of(data)] == ["newest", "last"]
    assert "popularity of recent days" not in [each.name for each in peers_of(data)]


def test_two_files_of_clicks_are_sessions(tmp_path: Path) -> None:
    assert not data_set_of(folder_of(tmp_path, "train.tsv")).has_sessions
    assert data_set_of(folder_of(tmp_path, "test.tsv")).has_sessions


def test_any_other_folder_is_imported_as_movielens(tmp_path: Path) -> None:
    data = data_set_of(folder_of(tmp_path, "u.data"))
    assert (data.has_clock_times, data.has_sessions) == (True, False)
    assert data.import_arguments(tmp_path, tmp_path) == ["movielens", str(tmp_path)]
    assert [each.settings["holdout"] for each in protocols_of(data)] == ["newest", "last", "time", "time"]
    assert "popularity of recent days" in [each.name for each in peers_of(data)]


def test_a_missing_folder_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        data_set_of(tmp_path / "missing")


def test_an_items_place_in_its_sequence_is_its_time() -> None:
    assert list(sequence_rows(iter(["7 30 20", "8 20"]))) == [
        ("7", "30", "2000-01-01T00:00:00+00:00"),
        ("7", "20", "2000-01-01T00:00:01+00:00"),
        ("8", "20", "2000-01-01T00:00:00+00:00"),
    ]
