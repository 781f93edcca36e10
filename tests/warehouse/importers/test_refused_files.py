import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.adapters.protocol import Warehouse
from warehouse.errors import BadInput
from warehouse.importers.files import import_files
from warehouse.importers.loading import ImportCount

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("e.csv", b"", "e.csv is empty"),
        ("e.csv", b"\n\n", "e.csv is empty or has a blank first line, where the column names belong"),
        ("e.csv", b"user,item,time\n", "e.csv holds no rows"),
        ("e.csv", b"user,item,time\n\n\n", "e.csv holds no rows"),
        ("e.csv", b"user,item\nu,i\n", "e.csv lacks column occurred_at; raw.interactions takes event_id, user_id"),
        (
            "e.csv",
            b"u1,i1,1700000100\n",
            "e.csv lacks columns user_id, item_id, occurred_at and has the unknown columns u1, i1",
        ),
        ("e.csv", b"user;thing;when\nu;i;1\n", "e.csv lacks columns item_id, occurred_at and has the unknown columns"),
        ("e.csv", b"who;what;when\nu;i;1\n", "has the unknown column 'who;what;when'"),
        ("e.csv", b"user,item,time,a,b\nu,i,1,2,3\n", "e.csv has the unknown columns a, b;"),
        ("e.csv", b"user,item,time,\nu,i,1,\n", "e.csv has the unknown column ''"),
        ("e.csv", b"user,user_id,item,time\nu,u,i,1\n", "e.csv gives twice the column user_id"),
        ("e.csv", b"rating,value,user,item,time\n1,1,u,i,1\n", "e.csv gives twice the column value"),
        ("e.csv", b"\x89PNG\r\n\x1a\n\0\0", "e.csv is no UTF-8 text"),
        ("e.csv", "user,item,time\n".encode("utf-16-be"), "e.csv is no UTF-8 text"),
        ("e.csv", b"user,item,time\nu,i,bad\nu,i,1,2\n", "e.csv has no usable row; line 2: occurred_at 'bad' is no"),
        ("e.csv", b'user,item,time\nu,"5 disc,1\nv,i,2\nw,i,3\n', "e.csv line 2: a quote is not closed"),
        ("e.csv.gz", b"user,item,time\nu,i,1\n", "e.csv.gz is no gzip file"),
        ("e.csv.gz", gzip.compress(b"user,item,time\nu,i,1\n" * 9, mtime=0)[:-20], "e.csv.gz is no gzip file"),
        ("e.jsonl", b"\n", "e.jsonl holds no JSON object"),
        ("e.jsonl", b"user,item,time\nu,i,1\n", "e.jsonl holds no JSON object: expected one object a line"),
        ("e.json", b'{"user": 1, "item": 2, "when": 3}\n', "lacks column occurred_at and has the unknown column when"),
        ("e.parquet", b"PAR1 or not", "e.parquet is no readable Parquet file"),
        ("e.xlsx", b"x", "e.xlsx has no known suffix: expected .csv, .tsv, .jsonl"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole_in_one_line(
    warehouse: Warehouse, query: Query, tmp_path: Path, file: str, content: bytes, complaint: str
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(complaint)) as refusal:
        import_files(warehouse, {"interactions": tmp_path / file}, IMPORTED_AT)
    assert "\n" not in str(refusal.value)
    assert query("select count(*) from raw.interactions") == [(0,)]
    assert query("select count(*) from raw.rejected_rows") == [(0,)]


def test_a_missing_file_and_an_empty_folder_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "missing.csv", tmp_path / "empty"):
        with pytest.raises(BadInput, match=f"{path} "):
            import_files(warehouse, {"interactions": path}, IMPORTED_AT)


def test_parquet_columns_are_checked_too(warehouse: Warehouse, tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": ["u"], "thing": ["i"]}), tmp_path / "e.parquet")
    with pytest.raises(BadInput, match="lacks columns item_id, occurred_at and has the unknown column thing"):
        import_files(warehouse, {"interactions": tmp_path / "e.parquet"}, IMPORTED_AT)


def test_a_warehouse_stays_usable_after_a_refusal(import_text: ImportText, query: Query) -> None:
    with pytest.raises(BadInput):
        import_text("user,item,time\nu,i,bad\n")
    assert import_text("user,item,time\nu,i,1700000100\n").added == 1
    assert query("select count(*) from raw.interactions") == [(1,)]
