import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.import_files import import_files
from nightjar.importers.loading import ImportCount
from nightjar.importers.read_options import ReadOptions
from nightjar.warehouse.protocol import Warehouse
from tests.support.checked_rows import columns_of, rejected_for
from tests.support.golden import check_wording
from tests.support.refusals import refused

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
EVENTS = "select user_id, item_id, event_type from raw.interactions order by user_id, item_id"
ROWS = [
    {"user_id": "a", "item_id": "x", "occurred_at": "2026-03-01"},
    {"user_id": "b", "item_id": "y", "occurred_at": "2026-03-02"},
]
PATHS = {"user_id": "user.id", "event_type": "name", "occurred_at": "at", "item_id": "items[].item_id"}
ORDERS = [
    {"user": {"id": "a"}, "name": "buy", "at": "2026-03-01", "items": [{"item_id": "x"}, {"item_id": "y"}]},
    {"user": {"id": "b"}, "name": "buy", "at": "2026-03-02", "items": [{"item_id": "x"}]},
    {"user": {"id": "c"}, "name": "look", "at": "2026-03-02", "items": []},
]
BOUGHT = [("a", "x", "buy"), ("a", "y", "buy"), ("b", "x", "buy")]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n".join(json.dumps(row, indent=2) for row in ROWS),
        "\ufeff" + "\r\n".join(json.dumps(row) for row in ROWS) + "\n",
    ],
)
@pytest.mark.parametrize("file", ["events.json", "part-0"])
def test_an_array_objects_of_several_lines_and_lines_are_read(
    read_text: ImportText, rows_of: Query, text: str, file: str
) -> None:
    assert read_text(text, file).added == 2
    assert rows_of(EVENTS) == [("a", "x", "interaction"), ("b", "y", "interaction")]


def test_a_path_through_a_list_makes_a_row_of_each_element(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path
) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text("".join(json.dumps(order) + "\n" for order in ORDERS))
    notes: list[str] = []
    options = {"interactions": ReadOptions(columns=PATHS)}
    import_files(local_warehouse, {"interactions": path}, IMPORTED_AT, options=options, note=notes.append)
    assert rows_of(EVENTS) == BOUGHT
    assert ["1 of 3 objects" in note for note in notes] == [True]


def test_a_path_leads_into_nested_parquet_too(local_warehouse: Warehouse, rows_of: Query, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ORDERS), tmp_path / "orders.parquet")
    options = {"interactions": ReadOptions(columns=PATHS)}
    import_files(local_warehouse, {"interactions": tmp_path / "orders.parquet"}, IMPORTED_AT, options=options)
    assert rows_of(EVENTS) == BOUGHT


def test_one_event_id_for_several_elements_is_refused(read_text: ImportText) -> None:
    text = json.dumps({**ORDERS[0], "id": "e1"})
    with refused(BadInput, "repeated_id", column="event_id", path="items[]"):
        read_text(text, "orders.jsonl", columns={**PATHS, "event_id": "id"})


def test_an_object_or_a_list_is_no_value(read_text: ImportText, rows_of: Query) -> None:
    lines = [ROWS[0], {**ROWS[0], "user_id": {"id": 1}}, {**ROWS[0], "item_id": ["x"]}, {**ROWS[0], "user_id": "{x}"}]
    count = read_text("".join(json.dumps(row) + "\n" for row in lines), "events.jsonl")
    assert (count.added, count.rejected) == (2, 2)
    reasons = rows_of("select line, reason from raw.rejected_rows order by line")
    assert [(line, columns_of(reason)) for line, reason in reasons] == [
        (2, rejected_for("user_id")),
        (3, rejected_for("item_id")),
    ]
    check_wording("\n".join(reason for _, reason in reasons))


def test_an_element_that_breaks_a_rule_is_rejected_and_the_others_are_kept(
    read_text: ImportText, rows_of: Query
) -> None:
    order = {**ORDERS[0], "items": [{"item_id": "x"}, {"item_id": None}, {"item_id": ""}]}
    count = read_text(json.dumps(order), "orders.jsonl", columns=PATHS)
    assert (count.added, count.rejected) == (1, 1)
    [(line, reason)] = rows_of("select line, reason from raw.rejected_rows")
    assert (line, columns_of(reason)) == (1, rejected_for("item_id"))


def test_text_without_its_annotation_is_decoded(local_warehouse: Warehouse, rows_of: Query, tmp_path: Path) -> None:
    columns = {
        "user_id": ["usér".encode(), b"b\\x"],
        "item_id": ["商品".encode(), b"y"],
        "occurred_at": ["2026-03-01"] * 2,
    }
    pq.write_table(pa.table(columns), tmp_path / "old.parquet")
    import_files(local_warehouse, {"interactions": tmp_path / "old.parquet"}, IMPORTED_AT)
    assert rows_of(EVENTS) == [("b\\x", "y", "interaction"), ("usér", "商品", "interaction")]


@pytest.mark.parametrize("kind", [pa.binary(), pa.binary(2)], ids=str)
def test_bytes_that_are_no_text_are_refused_with_their_column(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path, kind: pa.DataType
) -> None:
    users = pa.array([b"ab", b"\xc3\x28"], kind)
    table = pa.table({"user_id": users, "item_id": ["x", "y"], "occurred_at": ["2026-03-01"] * 2})
    pq.write_table(table, tmp_path / "raw.parquet")
    with refused(BadInput, "wrong_encoding", file=tmp_path / "raw.parquet", row=2, column="user_id"):
        import_files(local_warehouse, {"interactions": tmp_path / "raw.parquet"}, IMPORTED_AT)
    assert rows_of("select count(*) from raw.interactions") == [(0,)]


def test_columns_whose_names_differ_in_case_are_not_mixed_up(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path
) -> None:
    table = pa.table({"USER_ID": ["no"], "user_id": ["a"], "item_id": ["x"], "occurred_at": ["2026-03-01"]})
    pq.write_table(table, tmp_path / "e.parquet")
    options = {"interactions": ReadOptions(ignores_other_columns=True)}
    import_files(local_warehouse, {"interactions": tmp_path / "e.parquet"}, IMPORTED_AT, options=options)
    assert rows_of(EVENTS) == [("a", "x", "interaction")]


def test_nested_columns_that_are_not_read_may_be_left_out(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path
) -> None:
    pq.write_table(pa.Table.from_pylist([{**ROWS[0], "tags": ["t"]}]), tmp_path / "e.parquet")
    options = {"interactions": ReadOptions(ignores_other_columns=True)}
    import_files(local_warehouse, {"interactions": tmp_path / "e.parquet"}, IMPORTED_AT, options=options)
    assert rows_of(EVENTS) == [("a", "x", "interaction")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [(pa.large_string(), "7"), (pa.dictionary(pa.int32(), pa.string()), "7"), (pa.int64(), "7"), (pa.uint8(), "7")],
    ids=str,
)
def test_ids_of_other_types_are_their_texts(
    local_warehouse: Warehouse, rows_of: Query, tmp_path: Path, kind: pa.DataType, text: str
) -> None:
    user = pa.array(["7"]).cast(kind) if kind != pa.large_string() else pa.array(["7"], kind)
    time = pa.array([datetime(2026, 3, 1, 10)], pa.timestamp("ns"))
    pq.write_table(pa.table({"user_id": user, "item_id": ["x"], "occurred_at": time}), tmp_path / "e.parquet")
    import_files(local_warehouse, {"interactions": tmp_path / "e.parquet"}, IMPORTED_AT)
    assert rows_of("select user_id, occurred_at from raw.interactions") == [
        (text, datetime(2026, 3, 1, 10, tzinfo=UTC))
    ]
