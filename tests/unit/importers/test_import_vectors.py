"""Vectors of small files: what is added, rejected with a reason, and refused before anything is written."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.import_vectors import import_vectors
from nightjar.importers.loading import ImportCount
from nightjar.warehouse.protocol import Warehouse
from tests.support.golden import check_wording
from tests.support.refusals import refused

IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
THE_START = datetime(1970, 1, 1, tzinfo=UTC)
Query = Callable[[str], list[tuple[Any, ...]]]
VECTORS = "select item_id, kind, vector, recorded_at from raw.item_vectors order by 1, 2, 4"


def parquet(path: Path, ids: Sequence[Any], vectors: Sequence[Any], type_: pa.DataType | None = None) -> Path:
    columns = {"item_id": ids, "vector": pa.array(vectors, type_ or pa.list_(pa.float64()))}
    pq.write_table(pa.table(columns), path)
    return path


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **{name: np.array(array) for name, array in arrays.items()})
    return path


def counted(count: ImportCount) -> tuple[int, int, int]:
    return count.added, count.already_there, count.rejected


def test_vectors_are_added_once_and_a_later_file_that_differs_is_a_new_version(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    first = parquet(tmp_path / "first.parquet", ["a", "b"], [[1, 0.1], [-2, 3]])
    for added, there in ((2, 0), (0, 2)):
        assert counted(import_vectors(warehouse, "clip", [first], IMPORTED_AT)[0]) == (added, there, 0)
    # The 32-bit float next to 0.1, on every engine.
    nearest = float(np.float32(0.1))
    assert query(VECTORS) == [("a", "clip", [1, nearest], THE_START), ("b", "clip", [-2, 3], THE_START)]
    later = IMPORTED_AT + timedelta(days=1)
    second = npz(tmp_path / "second.npz", ids=["a", "b", "c"], vectors=[[1, 0.1], [-2, 4], [5, 6]])
    assert counted(import_vectors(warehouse, "clip", [second], later)[0]) == (2, 1, 0)
    assert query(VECTORS)[1:] == [
        ("b", "clip", [-2, 3], THE_START),
        ("b", "clip", [-2, 4], later),
        ("c", "clip", [5, 6], THE_START),
    ]


def test_vectors_of_users_have_a_table_and_lengths_of_their_own(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    import_vectors(warehouse, "profile", [parquet(tmp_path / "items.parquet", ["a"], [[1, 2]])], IMPORTED_AT)
    pq.write_table(pa.table({"user_id": ["u", "v"], "vector": [[1.0, 2, 3], [4, 5, 6]]}), tmp_path / "users.parquet")
    arrays = npz(tmp_path / "users.npz", ids=["v", "w"], vectors=[[4, 5, 7], [0, 0, 0]])
    later = IMPORTED_AT + timedelta(days=1)
    for file, imported_at, counts in (
        (tmp_path / "users.parquet", IMPORTED_AT, (2, 0, 0)),
        (arrays, later, (1, 0, 1)),
        (arrays, later, (0, 1, 1)),
    ):
        assert counted(import_vectors(warehouse, "profile", [file], imported_at, of="users")[0]) == counts
    assert query("select user_id, kind, vector, recorded_at from raw.user_vectors order by 1, 4") == [
        ("u", "profile", [1, 2, 3], THE_START),
        ("v", "profile", [4, 5, 6], THE_START),
        ("v", "profile", [4, 5, 7], later),
    ]
    assert query("select table_name, file, line from raw.rejected_rows") == [("user_vectors", "users.npz", 2)]
    with refused(BadInput, "missing_columns", wording=False, column="user_id"):
        import_vectors(warehouse, "profile", [tmp_path / "items.parquet"], IMPORTED_AT, of="users")


def test_a_row_that_breaks_a_rule_is_rejected_with_the_reason(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    vectors = [[1, 2], [float("nan"), 2], [1e39, None], [0, 0], [1], None, [3, 4], [5, 6], []]
    ids = ["a", "b", "c", "d", "e", "f", None, "h", "i"]
    file = parquet(tmp_path / "v.parquet", ids, vectors)
    assert counted(import_vectors(warehouse, "clip", [file], IMPORTED_AT)[0]) == (2, 0, 7)
    assert [row[0] for row in query(VECTORS)] == ["a", "h"]
    rows = query("select table_name, file, line, reason, content from raw.rejected_rows order by line")
    assert {row[:2] for row in rows} == {("item_vectors", "v.parquet")}
    assert [(line, reason.split()[0]) for *_, line, reason, _ in rows] == [
        *((line, "vector") for line in (2, 3, 4, 5, 6)),
        (7, "item_id"),
        (9, "vector"),
    ]
    assert rows[3][-1] == '{"item_id":"e","vector":[1.0]}'
    check_wording("\n".join(row[3] for row in rows))


def test_the_first_import_fixes_the_length_of_a_kind_by_most_of_its_vectors(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    mixed = parquet(tmp_path / "mixed.parquet", ["a", "b", "c"], [[1], [2, 3], [4, 5]])
    assert counted(import_vectors(warehouse, "clip", [mixed], IMPORTED_AT)[0]) == (2, 0, 1)
    # From here on one number is none of a vector of this kind, but of another.
    longer = parquet(tmp_path / "longer.parquet", ["d", "e", "f"], [[1], [2], [4, 5]])
    assert counted(import_vectors(warehouse, "clip", [longer], IMPORTED_AT)[0]) == (1, 0, 2)
    assert counted(import_vectors(warehouse, "audio", [longer], IMPORTED_AT)[0]) == (2, 0, 1)
    lengths = "select kind, array_length(vector, 1), count(*) from raw.item_vectors group by 1, 2 order by 1"
    assert query(lengths) == [("audio", 1, 2), ("clip", 2, 3)]


@pytest.mark.parametrize(
    ("ids", "type_"),
    [
        ([7, 12], pa.list_(pa.float32(), 2)),
        ([7.0, 12.0], pa.large_list(pa.float32())),
        ([b"7", b"12"], pa.list_(pa.int16())),
    ],
    ids=["integers, lists of one length", "floats, large lists", "bytes, integers"],
)
def test_columns_are_read_in_the_types_that_encoders_write(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path, ids: list[Any], type_: pa.DataType
) -> None:
    import_vectors(
        local_warehouse, "clip", [parquet(tmp_path / "v.parquet", ids, [[1, 2], [3, 4]], type_)], IMPORTED_AT
    )
    assert [row[::2] for row in rows_of(VECTORS)] == [("12", [3, 4]), ("7", [1, 2])]


@pytest.mark.parametrize("of_type", ["float16", "float32", "float64", "int8"])
@pytest.mark.parametrize("ids", [["7", "12"], [7, 12], [b"7", b"12"]], ids=["text", "integers", "bytes"])
def test_arrays_are_read_in_the_types_that_encoders_write(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path, ids: list[Any], of_type: str
) -> None:
    file = npz(tmp_path / "v.npz", ids=ids, vectors=np.array([[1, 2], [3, 4]], of_type))
    import_vectors(local_warehouse, "clip", [file], IMPORTED_AT)
    assert [row[::2] for row in rows_of(VECTORS)] == [("12", [3, 4]), ("7", [1, 2])]


def test_other_columns_are_left_out_and_times_are_versions(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path
) -> None:
    columns = {
        "asin": ["a", "a"],
        "embedding": [[1.0], [2.0]],
        "recorded_at": ["2026-01-01", "2026-02-01"],
        "model": ["m", "m"],
    }
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    notes: list[str] = []
    names = {"item_id": "asin", "vector": "embedding"}
    import_vectors(local_warehouse, "clip", [tmp_path / "v.parquet"], IMPORTED_AT, columns=names, note=notes.append)
    assert [row[2:] for row in rows_of(VECTORS)] == [
        ([1], datetime(2026, 1, 1, tzinfo=UTC)),
        ([2], datetime(2026, 2, 1, tzinfo=UTC)),
    ]
    assert len(notes) == 1
    assert "model" in notes[0]


FAULTS = (
    *("suffix", "torn NPZ", "torn Parquet", "empty file", "no vectors", "text", "lists of lists", "no array"),
    *("objects", "complex", "more vectors", "flat", "bytes", "no rows", "all zero", "too long"),
)


def _refused_files(folder: Path) -> dict[str, tuple[Path, str, dict[str, Any]]]:
    (folder / "v.csv").write_text("item_id,vector\na,1\n")
    (folder / "torn.npz").write_bytes(b"PK no archive")
    (folder / "torn.parquet").write_bytes(b"PAR1 no parquet")
    (folder / "empty.npz").write_bytes(b"")
    pq.write_table(pa.table({"item_id": ["a"]}), folder / "lacking.parquet")
    objects = np.array(["a", None], object)
    return {
        "suffix": (folder / "v.csv", "unknown_suffix", {}),
        "torn NPZ": (folder / "torn.npz", "unreadable_file", {}),
        "torn Parquet": (folder / "torn.parquet", "unreadable_file", {}),
        "empty file": (folder / "empty.npz", "empty_file", {}),
        "no vectors": (folder / "lacking.parquet", "missing_columns", {}),
        "text": (parquet(folder / "text.parquet", ["a"], ["1,2"], pa.string()), "wrong_type", {"column": "vector"}),
        "lists of lists": (
            parquet(folder / "nested.parquet", ["a"], [[[1]]], pa.list_(pa.list_(pa.float32()))),
            "wrong_type",
            {"column": "vector"},
        ),
        "no array": (npz(folder / "id.npz", id=["a"], vectors=[[1]]), "missing_arrays", {"names": ["ids"]}),
        "objects": (npz(folder / "objects.npz", ids=objects, vectors=[[1], [2]]), "wrong_type", {"column": "ids"}),
        "complex": (npz(folder / "complex.npz", ids=["a"], vectors=[[1j]]), "wrong_type", {"column": "vectors"}),
        "more vectors": (npz(folder / "more.npz", ids=["a"], vectors=[[1], [2]]), "wrong_shape", {"ids": (1,)}),
        "flat": (npz(folder / "flat.npz", ids=["a"], vectors=[1]), "wrong_shape", {"vectors": (1,)}),
        "bytes": (npz(folder / "bytes.npz", ids=[b"\xff"], vectors=[[1]]), "wrong_encoding", {"column": "ids"}),
        "no rows": (parquet(folder / "none.parquet", [], []), "no_rows", {}),
        "all zero": (npz(folder / "zero.npz", ids=["a"], vectors=[[0, 0]]), "no_usable_rows", {"line": 1}),
        "too long": (npz(folder / "long.npz", ids=["a"], vectors=np.ones((1, 4097))), "no_usable_rows", {"line": 1}),
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_without_usable_vectors_is_refused_and_nothing_is_written(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path, fault: str
) -> None:
    good = parquet(tmp_path / "good.parquet", ["a"], [[1, 2]])
    file, code, fields = _refused_files(tmp_path)[fault]
    with refused(BadInput, code, file=file, **fields):
        import_vectors(local_warehouse, "clip", [file] if code.startswith("no_") else [good, file], IMPORTED_AT)
    assert rows_of(VECTORS) == []
    assert rows_of("select * from raw.rejected_rows") == []


def test_a_file_of_more_than_it_may_hold_is_refused(local_warehouse: Warehouse, tmp_path: Path) -> None:
    for file in (
        npz(tmp_path / "v.npz", ids=["a"], vectors=[[1, 2]]),
        parquet(tmp_path / "v.parquet", ["a"], [[1, 2]]),
    ):
        with refused(BadInput, "packed_file_too_large", wording=False, file=file):
            import_vectors(local_warehouse, "clip", [file], IMPORTED_AT, max_gb=0)


@pytest.mark.parametrize("kind", ["", "title", "Clip", "a b", "(clip)", "7", "x" * 65])
def test_a_kind_that_is_no_name_of_its_own_is_refused(local_warehouse: Warehouse, tmp_path: Path, kind: str) -> None:
    with refused(BadInput, "invalid_option_value", wording=kind == "title", option="--kind", value=kind):
        import_vectors(local_warehouse, kind, [tmp_path], IMPORTED_AT)
