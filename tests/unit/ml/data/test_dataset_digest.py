from pathlib import Path

import pytest

from ml.data.dataset_digest import dataset_digest


def digest_of(path: Path, files: dict[str, bytes]) -> str:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return dataset_digest(path)


def test_equal_files_give_an_equal_digest_wherever_they_lie(tmp_path: Path) -> None:
    one = digest_of(tmp_path / "one", {"a.parquet": b"1", "b.parquet": b"2"})
    other = digest_of(tmp_path / "other", {"b.parquet": b"2", "a.parquet": b"1"})
    assert one == other
    assert len(one) == 64


def test_a_changed_or_renamed_file_changes_the_digest(tmp_path: Path) -> None:
    contents = [{"a.parquet": b"1"}, {"a.parquet": b"2"}, {"b.parquet": b"1"}, {}]
    assert len({digest_of(tmp_path / str(n), files) for n, files in enumerate(contents)}) == 4


def test_the_order_in_which_the_disk_lists_files_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a.parquet": b"1", "b.parquet": b"2"}
    one = digest_of(tmp_path / "one", files)
    listed = Path.glob
    monkeypatch.setattr(Path, "glob", lambda path, pattern: reversed(list(listed(path, pattern))))
    assert digest_of(tmp_path / "other", files) == one
