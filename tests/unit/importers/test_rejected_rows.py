from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.importers.import_files import import_files
from nightjar.importers.loading import ImportCount
from nightjar.warehouse.protocol import Warehouse
from tests.support.checked_rows import Rejected, columns_of, rejected_for
from tests.support.golden import check_wording

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
REASONS = "select reason from raw.rejected_rows order by line"


def rejected(query: Query) -> list[tuple[int, Rejected, str]]:
    """The rejected rows: line, columns whose rules it breaks, content."""
    rows = query("select line, reason, content from raw.rejected_rows order by line")
    return [(line, columns_of(reason), content) for line, reason, content in rows]


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        (",i,1700000100,", ("user_id",)),
        ('"  ",i,1700000100,', ("user_id",)),
        ("u,,1700000100,", ("item_id",)),
        (f"{'x' * 513},i,1700000100,", ("user_id",)),
        ("u,i\0i,1700000100,", ("item_id",)),
        ("u,i,,", ("occurred_at",)),
        ("u,i,abc,", ("occurred_at",)),
        ("u,i,2026-02-30,", ("occurred_at",)),
        ("u,i,nan,", ("occurred_at",)),
        ("u,i,infinity,", ("occurred_at",)),
        ("u,i,1e300,", ("occurred_at",)),
        ("u,i,1899-12-31,", ("occurred_at",)),
        ("u,i,2026-04-02T12:00:01Z,", ("occurred_at",)),
        ("u,i,1700000100,-inf", ("value",)),
        ("u,i,1700000100,'1'", ("value",)),
        (",,soon,x", ("user_id", "item_id", "value", "occurred_at")),
    ],
    ids=[
        "no user",
        "blank user",
        "no item",
        "long user",
        "NUL",
        "no time",
        "word",
        "no day",
        "nan",
        "infinity",
        "lost digits",
        "too early",
        "future",
        "infinite value",
        "quoted value",
        "several",
    ],
)
def test_an_event_that_breaks_a_rule_is_rejected_with_every_reason(
    read_text: ImportText, rows_of: Query, row: str, columns: tuple[str, ...]
) -> None:
    count = read_text(f"user,item,time,value\nu,i,1700000100,1\n{row}\n")
    assert (count.added, count.rejected) == (1, 1)
    [(*place, reason)] = rows_of("select table_name, file, line, rejected_at, reason from raw.rejected_rows")
    assert place == ["interactions", "events.csv", 3, IMPORTED_AT]
    assert columns_of(reason) == rejected_for(*columns)
    check_wording(reason)


def test_an_event_up_to_a_day_ahead_of_the_clock_is_accepted(import_text: ImportText) -> None:
    assert import_text("user,item,time\nu,i,2026-04-02T12:00:00Z\n").added == 1


@pytest.mark.parametrize("weight", ["1e9", "-0.1", "inf"])
def test_a_feature_weight_lies_between_0_and_1000(read_text: ImportText, rows_of: Query, weight: str) -> None:
    text = f"item_id,feature,weight\ni,genre:Drama,1000\ni,genre:War,0\ni,giant:one,{weight}\n"
    assert read_text(text, "features.csv", "item_features").added == 2
    assert rejected(rows_of) == [(4, rejected_for("weight"), f"i,giant:one,{weight}")]
    check_wording(rows_of(REASONS)[0][0])


@pytest.mark.parametrize("rank", ["0", "-1", "1.5", "first", "", "99999999999"])
def test_a_rank_is_an_integer_from_1(read_text: ImportText, rows_of: Query, rank: str) -> None:
    read_text(f"user,item,rank,time\nu,i,1,1700000100\nu,i,{rank},1700000100\n", "shown.csv", "exposures")
    assert rejected(rows_of) == [(3, rejected_for("rank"), f"u,i,{rank},1700000100")]
    check_wording(rows_of(REASONS)[0][0])


def test_an_item_must_become_available_before_it_ends(read_text: ImportText, rows_of: Query) -> None:
    text = "item_id,available_from,available_until\na,2026-01-01,2026-01-02\nb,2026-01-01,2026-01-01\n"
    assert read_text(text, "items.csv", "items").added == 1
    assert rejected(rows_of) == [(3, rejected_for("available_until"), "b,2026-01-01,2026-01-01")]
    check_wording(rows_of(REASONS)[0][0])


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
    # What is kept of line 9, which is no UTF-8, is left to the reader.
    assert [row for row in rejected(query) if row[0] != 9] == [
        (3, rejected_for(), "u2,i2"),
        (6, rejected_for(), "u3,i3,1700000100,extra,more"),
        (7, rejected_for("occurred_at"), "u4,i4,bad"),
        (8, rejected_for(), 'u5,"i"5,1700000100'),
        (10, rejected_for("occurred_at"), "u7,i7,"),
    ]
    assert len(rejected(query)) == 6


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
    assert rejected(query) == [
        (3, rejected_for(), "{not json}"),
        (4, rejected_for(), "[1, 2]"),
        (5, rejected_for(), '{"user": "\\ud800", "item": "i1", "time": 1700000100}'),
        (6, rejected_for("user_id"), '{"user": null, "item": "i1", "time": "2026-01-01"}'),
    ]


def test_a_rejected_parquet_row_is_named_by_its_number(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    table = pa.table(
        {"user": ["u1", "u2"], "item": ["i1", "i2"], "value": [1.5, float("inf")], "time": [1700000100, 1700000100]}
    )
    pq.write_table(table, tmp_path / "events.parquet")
    import_files(warehouse, {"interactions": tmp_path / "events.parquet"}, IMPORTED_AT)
    assert rejected(query) == [
        (
            2,
            rejected_for("value"),
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
