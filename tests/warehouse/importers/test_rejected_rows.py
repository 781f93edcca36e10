from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.adapters.protocol import Warehouse
from warehouse.importers.files import import_files
from warehouse.importers.loading import ImportCount

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
REASONS = "select line, reason from raw.rejected_rows order by line"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",i,1700000100,", "user_id is empty"),
        ('"  ",i,1700000100,', "user_id is empty"),
        ("u,,1700000100,", "item_id is empty"),
        (f"{'x' * 513},i,1700000100,", "user_id has 513 characters, more than 512"),
        ("u,i\0i,1700000100,", "item_id holds a NUL character"),
        ("u,i,,", "occurred_at is empty"),
        ("u,i,abc,", "occurred_at 'abc' is no timestamp"),
        ("u,i,2026-02-30,", "occurred_at '2026-02-30' is no timestamp"),
        ("u,i,nan,", "occurred_at is empty: 'nan' stands for no value"),
        ("u,i,infinity,", "occurred_at 'infinity' is no timestamp"),
        ("u,i,1e300,", "occurred_at '1e300' is no timestamp: lost its last digits: write all of them"),
        ("u,i,1899-12-31,", "occurred_at '1899-12-31' lies before 1900"),
        ("u,i,2026-04-02T12:00:01Z,", "occurred_at '2026-04-02T12:00:01Z' lies in the future"),
        ("u,i,1700000100,-inf", "value '-inf' is no finite number"),
        ("u,i,1700000100,'1'", "value ''1'' is no finite number"),
        (
            ",,soon,x",
            "user_id is empty; item_id is empty; value 'x' is no finite number; occurred_at 'soon' is no timestamp",
        ),
    ],
)
def test_an_event_that_breaks_a_rule_is_rejected_with_every_reason(
    import_text: ImportText, query: Query, row: str, reason: str
) -> None:
    count = import_text(f"user,item,time,value\nu,i,1700000100,1\n{row}\n")
    assert (count.added, count.rejected) == (1, 1)
    assert query("select table_name, file, line, reason, rejected_at from raw.rejected_rows") == [
        ("interactions", "events.csv", 3, reason, IMPORTED_AT)
    ]


def test_an_event_up_to_a_day_ahead_of_the_clock_is_accepted(import_text: ImportText) -> None:
    assert import_text("user,item,time\nu,i,2026-04-02T12:00:00Z\n").added == 1


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        ("1e9", "weight '1e9' lies outside 0 to 1000"),
        ("-0.1", "weight '-0.1' lies outside 0 to 1000"),
        ("inf", "weight 'inf' is no finite number"),
    ],
)
def test_a_feature_weight_lies_between_0_and_1000(
    import_text: ImportText, query: Query, weight: str, reason: str
) -> None:
    text = f"item_id,feature,weight\ni,genre:Drama,1000\ni,genre:War,0\ni,giant:one,{weight}\n"
    assert import_text(text, "features.csv", "item_features").added == 2
    assert query(REASONS) == [(4, reason)]


@pytest.mark.parametrize("rank", ["0", "-1", "1.5", "first", "", "99999999999"])
def test_a_rank_is_an_integer_from_1(import_text: ImportText, query: Query, rank: str) -> None:
    import_text(f"user,item,rank,time\nu,i,1,1700000100\nu,i,{rank},1700000100\n", "shown.csv", "exposures")
    expected = f"rank '{rank}' is no integer of at least 1" if rank else "rank is empty"
    assert query(REASONS) == [(3, expected)]


def test_an_item_must_become_available_before_it_ends(import_text: ImportText, query: Query) -> None:
    text = "item_id,available_from,available_until\na,2026-01-01,2026-01-02\nb,2026-01-01,2026-01-01\n"
    assert import_text(text, "items.csv", "items").added == 1
    assert query(REASONS) == [(3, "available_until 2026-01-01 lies not after available_from 2026-01-01")]


def test_ragged_and_unreadable_lines_are_rejected_with_their_line(import_text: ImportText, query: Query) -> None:
    count = import_text(
        "user,item,time\n"
        "u1,i1,1700000100\n"
        "u2,i2\n"
        "\n"
        "\n"
        "u3,i3,1700000100,extra,more\n"
        "u4,i4,bad\n"
        'u5,"i"5,1700000100\n'
        "u6,\udcff\udcfe,1700000100\n"
        "u7,i7,\n"
        "é,日本,1700000100\n"
    )
    assert (count.added, count.rejected) == (2, 6)
    assert query("select line, reason, content from raw.rejected_rows where line <> 9 order by line") == [
        (3, "the line has too few fields", "u2,i2"),
        (6, "the line has too many fields", "u3,i3,1700000100,extra,more"),
        (7, "occurred_at 'bad' is no timestamp", "u4,i4,bad"),
        (8, "a quote is not closed at the end of its field", 'u5,"i"5,1700000100'),
        (10, "occurred_at is empty", "u7,i7,"),
    ]
    assert query("select reason from raw.rejected_rows where line = 9") == [("the line is not encoded as UTF-8",)]


def test_lines_keep_their_numbers_in_a_file_of_many_read_blocks(import_text: ImportText, query: Query) -> None:
    lines = [f"user-{n:020d},item-{n:020d},{1_700_000_000 + n}" for n in range(2, 200_002)]
    for line, text in ((50_000, ""), (99_999, "ragged"), (100_000, "u,i,late"), (199_000, "u,i,later")):
        lines[line - 2] = text
    count = import_text("user,item,time\n" + "\n".join(lines) + "\n")
    assert (count.added, count.rejected) == (199_996, 3)
    assert query("select line, content from raw.rejected_rows order by line") == [
        (99_999, "ragged"),
        (100_000, "u,i,late"),
        (199_000, "u,i,later"),
    ]


def test_rejected_json_lines_keep_their_number_and_text(import_text: ImportText, query: Query) -> None:
    import_text(
        '{"user": "u1", "item": "i1", "time": 1700000100}\n'
        "\n"
        "{not json}\n"
        "[1, 2]\n"
        '{"user": "\\ud800", "item": "i1", "time": 1700000100}\n'
        '{"user": null, "item": "i1", "time": "2026-01-01"}\n',
        "events.jsonl",
    )
    assert query("select line, reason, content from raw.rejected_rows order by line") == [
        (3, "the line is no JSON object", "{not json}"),
        (4, "the line is no JSON object", "[1, 2]"),
        (5, "the line is no JSON object", '{"user": "\\ud800", "item": "i1", "time": 1700000100}'),
        (6, "user_id is empty", '{"user": null, "item": "i1", "time": "2026-01-01"}'),
    ]


def test_a_rejected_parquet_row_is_named_by_its_number(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    table = pa.table(
        {"user": ["u1", "u2"], "item": ["i1", "i2"], "value": [1.5, float("inf")], "time": [1700000100, 1700000100]}
    )
    pq.write_table(table, tmp_path / "events.parquet")
    import_files(warehouse, {"interactions": tmp_path / "events.parquet"}, IMPORTED_AT)
    assert query("select line, reason, content from raw.rejected_rows") == [
        (
            2,
            "value 'inf' is no finite number",
            '{"user_id":"u2","item_id":"i2","value":"inf","occurred_at":"1700000100"}',
        )
    ]


def test_a_second_import_does_not_double_the_rejected_rows(import_text: ImportText, query: Query) -> None:
    text = "user,item,time\nu,i,1700000100\nu,i,bad\nu,i\n"
    assert [import_text(text).rejected, import_text(text).rejected] == [2, 2]
    assert query("select count(*) from raw.rejected_rows") == [(2,)]


def test_what_is_kept_of_a_long_row_is_cut(import_text: ImportText, query: Query) -> None:
    import_text(f"user,item,time\nu,i,1700000100\n{'x' * 5000},i,1700000100\n")
    assert query("select content from raw.rejected_rows") == [("x" * 1000,)]
