from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.import_files import import_files
from nightjar.importers.read_options import ReadOptions
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
HEADER = "user_id,item_id,occurred_at\n"
USERS = "select user_id from raw.interactions order by user_id"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def event(user: str, day: str = "2026-03-01") -> str:
    return f"{HEADER}{user},i,{day}\n"


def parquet(path: Path, **columns: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"item_id": ["i"], "occurred_at": ["2026-03-01"], **columns}), path)
    return path


def test_all_files_of_a_table_are_imported_and_repeats_between_them_count_once(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    first = written(tmp_path / "day1.csv", event("a") + "b,i,2026-03-01\n")
    second = written(tmp_path / "day2.csv", "time,item,user\n2026-03-01,i,b\n2026-03-02,i,c\n")
    count = import_files(warehouse, {"interactions": [first, second]}, IMPORTED_AT)[0]
    assert (count.added, count.already_there, count.repeated) == (3, 1, 1)
    assert query(USERS) == [("a",), ("b",), ("c",)]


def test_one_file_of_several_that_is_refused_leaves_nothing(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    paths = [written(tmp_path / "a.csv", event("a") + "u,i,never\n"), written(tmp_path / "b.csv", "colour\nred\n")]
    with refused(BadInput, "missing_columns", wording=False, file=paths[1], unknown=["colour"]):
        import_files(warehouse, {"interactions": paths}, IMPORTED_AT)
    assert query("select count(*) from raw.interactions") == [(0,)]
    assert query("select count(*) from raw.rejected_rows") == [(0,)]


def test_a_folder_is_read_with_those_below_it_but_for_markers_and_empty_parts(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    folder = tmp_path / "events"
    written(folder / "part-0.csv", event("a"))
    written(folder / "later" / "part-1.csv", event("b"))
    for name in ("_SUCCESS", ".part-0.csv.crc", "._part-0.csv", "_temporary/part-9.csv", "later/empty.csv"):
        written(folder / name, "" if name.endswith("empty.csv") else "no rows")
    notes: list[str] = []
    import_files(warehouse, {"interactions": folder}, IMPORTED_AT, note=notes.append)
    assert query(USERS) == [("a",), ("b",)]
    assert [("empty.csv" in note, "._part-0.csv" in note) for note in notes] == [(False, True), (True, False)]


def test_a_pattern_stands_for_the_files_and_folders_that_it_matches(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    written(tmp_path / "2026-03-01.csv", event("a"))
    written(tmp_path / "2026-03-02" / "part.csv", event("b"))
    written(tmp_path / "2026-04-01.csv", event("c"))
    import_files(warehouse, {"interactions": tmp_path / "2026-03-*"}, IMPORTED_AT)
    assert query(USERS) == [("a",), ("b",)]
    with refused(BadInput, "no_such_file", wording=False, path=tmp_path / "2025-*"):
        import_files(warehouse, {"interactions": tmp_path / "2025-*"}, IMPORTED_AT)


def test_a_file_named_twice_is_read_once(warehouse: Warehouse, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", event("a"))
    count = import_files(warehouse, {"interactions": [path, tmp_path / "*.csv"]}, IMPORTED_AT)[0]
    assert (count.added, count.already_there) == (1, 0)


@pytest.mark.parametrize("stranger", ["README.md", "more.parquet", "notes.txt"])
def test_a_folder_of_several_formats_is_refused_by_their_names(
    warehouse: Warehouse, tmp_path: Path, stranger: str
) -> None:
    written(tmp_path / "events" / "a.csv", event("a"))
    written(tmp_path / "events" / stranger, "x")
    files = sorted(["a.csv", stranger])
    with refused(BadInput, "several_formats", wording=False, path=tmp_path / "events", files=files):
        import_files(warehouse, {"interactions": tmp_path / "events"}, IMPORTED_AT)


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("_delta_log/0.json", "Delta Lake"),
        (".hoodie/hoodie.properties", "Hudi"),
        ("metadata/version-hint.text", "Iceberg"),
    ],
)
def test_the_folder_of_a_table_format_is_refused_since_its_files_hold_deleted_rows(
    local_warehouse: Warehouse, tmp_path: Path, marker: str, kind: str
) -> None:
    parquet(tmp_path / "events" / "part-0.parquet", user_id=["a"])
    written(tmp_path / "events" / marker, "{}")
    with refused(BadInput, "unsupported_table_format", path=tmp_path / "events", value=kind):
        import_files(local_warehouse, {"interactions": tmp_path / "events"}, IMPORTED_AT)


def test_rejected_rows_keep_their_file_and_line(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    written(tmp_path / "a" / "day.csv", event("a") + "u,i\n")
    written(tmp_path / "b" / "day.csv", event("b") + "\nu,i,never\n")
    for _ in range(2):
        import_files(warehouse, {"interactions": [tmp_path / "a", tmp_path / "b"]}, IMPORTED_AT)
        assert query("select file, line, content from raw.rejected_rows order by file") == [
            ("a/day.csv", 3, "u,i"),
            ("b/day.csv", 4, "u,i,never"),
        ]


@pytest.mark.parametrize("where", ["file", "folder", "pattern"])
def test_the_key_of_a_partition_is_a_column_that_the_file_lacks(
    warehouse: Warehouse, query: Query, tmp_path: Path, where: str
) -> None:
    for kind in ("view", "purchase"):
        parquet(tmp_path / "dt=2026-03-01" / f"event_type={kind}" / "part-0.parquet", user_id=[kind])
    named = {
        "file": [tmp_path / f"dt=2026-03-01/event_type={kind}/part-0.parquet" for kind in ("view", "purchase")],
        "folder": [tmp_path / "dt=2026-03-01"],
        "pattern": [tmp_path / "dt=*/*/*.parquet"],
    }[where]
    notes: list[str] = []
    import_files(warehouse, {"interactions": named}, IMPORTED_AT, note=notes.append)
    found = query("select user_id, event_type from raw.interactions order by user_id")
    assert found == [("purchase", "purchase"), ("view", "view")]
    assert ["dt" in note for note in notes] == [True, True]


def test_the_key_of_a_partition_may_be_named_as_a_column_and_is_decoded(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    path = written(tmp_path / "dt=2026-03-01 10%3A30" / "kind=__HIVE_DEFAULT_PARTITION__" / "p.csv", "user,item\nu,i\n")
    options = ReadOptions(columns={"occurred_at": "dt", "event_type": "kind"})
    import_files(warehouse, {"interactions": path}, IMPORTED_AT, options={"interactions": options})
    assert query("select event_type, occurred_at from raw.interactions") == [
        ("interaction", datetime(2026, 3, 1, 10, 30, tzinfo=UTC))
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_partition_that_contradicts_the_files_column_is_refused(
    warehouse: Warehouse, query: Query, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "user_id=zzz" / f"part-0.{ending}"
    if ending == "parquet":
        parquet(path, user_id=["a"])
    else:
        text = '{"user_id": "a", "item_id": "i", "occurred_at": "2026-03-01"}\n'
        written(path, event("a") if ending == "csv" else text)
    contradicting = {"column": "user_id", "value": "a", "expected": "zzz"}
    with refused(BadInput, "contradicting_folder", wording=False, file=path, **contradicting):
        import_files(warehouse, {"interactions": path}, IMPORTED_AT)
    assert query("select count(*) from raw.interactions") == [(0,)]


def test_a_partition_value_that_the_file_repeats_changes_nothing(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    path = parquet(tmp_path / "user_id=7" / "p.parquet", user_id=[7])
    import_files(warehouse, {"interactions": path}, IMPORTED_AT)
    assert query(USERS) == [("7",)]


def test_files_that_rate_and_files_that_do_not_keep_their_own_event_type(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    rated = written(tmp_path / "rated.csv", "user,item,time,rating\na,i,2026-03-01,4\n")
    seen = written(tmp_path / "seen.csv", "user,item,time\nb,i,2026-03-01\n")
    import_files(warehouse, {"interactions": [rated, seen]}, IMPORTED_AT)
    assert query("select user_id, event_type, value from raw.interactions order by 1") == [
        ("a", "rating", 4.0),
        ("b", "interaction", None),
    ]


def test_a_catalogue_alone_is_imported(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", "item_id,title\n1,One\n")
    assert import_files(warehouse, {"items": path}, IMPORTED_AT)[0].added == 1
    assert query("select item_id, title from raw.items") == [("1", "One")]
