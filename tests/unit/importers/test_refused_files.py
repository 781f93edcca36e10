import gzip
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
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


MISSING = ["user_id", "item_id", "occurred_at"]
REFUSED: list[tuple[str, bytes, str, dict[str, Any]]] = [
    ("e.csv", b"", "empty_file", {}),
    ("e.csv", b"\n\n", "no_column_names", {"line": 1}),
    ("e.csv", b"user,item,time\n", "no_rows", {}),
    ("e.csv", b"user,item,time\n\n\n", "no_rows", {}),
    ("e.csv", b"user,item\nu,i\n", "missing_columns", {"columns": ["occurred_at"], "unknown": []}),
    ("e.csv", b"u1,i1,17\n", "missing_columns", {"columns": MISSING, "unknown": ["u1", "i1", "17"]}),
    ("e.csv", b"user;thing;when\nu;i;1\n", "missing_columns", {"columns": MISSING[1:], "unknown": ["thing", "when"]}),
    ("e.csv", b"who;what;when\nu;i;1\n", "missing_columns", {"columns": MISSING, "unknown": ["who;what;when"]}),
    ("e.csv", b"user,item,time,a,b\nu,i,1,2,3\n", "unknown_column", {"columns": ["a", "b"]}),
    ("e.csv", b"user,item,time,\nu,i,1,\n", "unknown_column", {"column": ""}),
    ("e.csv", b"user,user_id,item,time\nu,u,i,1\n", "repeated_column", {"column": "user_id"}),
    ("e.csv", b"rating,value,user,item,time\n1,1,u,i,1\n", "repeated_column", {"column": "value"}),
    ("e.csv", b"\x89PNG\r\n\x1a\n\0\0", "wrong_encoding", {"expected": "utf-8"}),
    ("e.csv", "user,item,time\n".encode("utf-16-be"), "wrong_encoding", {"expected": "utf-8"}),
    ("e.csv", b"user,item,time\nu,i,bad\nu,i,1,2\n", "no_usable_rows", {"line": 2}),
    ("e.csv", b'user,item,time\nu,"5 disc,1\nv,i,2\nw,i,3\n', "unclosed_quote", {"line": 2}),
    ("e.csv.gz", b"user,item,time\nu,i,1\n", "unreadable_file", {}),
    ("e.csv.gz", gzip.compress(b"user,item,time\nu,i,1\n" * 9, mtime=0)[:-20], "unreadable_file", {}),
    ("e.jsonl", b"\n", "no_json_objects", {}),
    ("e.jsonl", b"user,item,time\nu,i,1\n", "no_json_objects", {}),
    (
        "e.json",
        b'{"user": 1, "item": 2, "when": 3}\n',
        "missing_columns",
        {"column": "occurred_at", "unknown": ["when"]},
    ),
    ("e.parquet", b"PAR1 or not", "unreadable_file", {}),
    ("e.xlsx", b"x", "unknown_suffix", {}),
]


@pytest.mark.parametrize(
    ("file", "content", "code", "fields"), REFUSED, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_file_that_cannot_be_used_is_refused_whole_in_one_line(
    local_warehouse: Warehouse,
    rows_of: Query,
    tmp_path: Path,
    file: str,
    content: bytes,
    code: str,
    fields: dict[str, Any],
) -> None:
    (tmp_path / file).write_bytes(content)
    with refused(BadInput, code, file=tmp_path / file, **fields) as refusal:
        import_files(local_warehouse, {"interactions": tmp_path / file}, IMPORTED_AT)
    assert "\n" not in str(refusal.value)
    assert rows_of("select count(*) from raw.interactions") == [(0,)]
    assert rows_of("select count(*) from raw.rejected_rows") == [(0,)]


def test_a_missing_file_and_an_empty_folder_are_refused(local_warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, code in (("missing.csv", "no_such_file"), ("empty", "empty_folder")):
        with refused(BadInput, code, path=tmp_path / name):
            import_files(local_warehouse, {"interactions": tmp_path / name}, IMPORTED_AT)


def test_parquet_columns_are_checked_too(local_warehouse: Warehouse, tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": ["u"], "thing": ["i"]}), tmp_path / "e.parquet")
    with refused(BadInput, "missing_columns", columns=MISSING[1:], unknown=["thing"]):
        import_files(local_warehouse, {"interactions": tmp_path / "e.parquet"}, IMPORTED_AT)


def test_a_warehouse_stays_usable_after_a_refusal(import_text: ImportText, query: Query) -> None:
    with refused(BadInput, "no_usable_rows", wording=False, line=2):
        import_text("user,item,time\nu,i,bad\n")
    assert import_text("user,item,time\nu,i,1700000100\n").added == 1
    assert query("select count(*) from raw.interactions") == [(1,)]
