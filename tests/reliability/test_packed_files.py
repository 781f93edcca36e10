"""A small file that unpacks to a large one is refused in one line, whatever size it declares."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.importers.import_files import import_files
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused
from tests.support.small_runs import rows_of

pytestmark = pytest.mark.reliability

NOW = datetime(2026, 4, 1, tzinfo=UTC)
HEADER = b"user_id,item_id,occurred_at\n"


def bomb(path: Path, start: bytes, repeated: bytes, times: int) -> Path:
    """A gzip file in which a megabyte comes again and again: members in a row are one file."""
    member = gzip.compress(repeated, 9)
    path.write_bytes(gzip.compress(start) + member * times)
    return path


def parquet_of(path: Path, rows: int, user: str) -> Path:
    """A file whose rows share one user: a value that is stored once."""
    zeros = pa.array([0] * rows, pa.int32())
    columns = {
        name: pa.DictionaryArray.from_arrays(zeros, pa.array([value]))
        for name, value in {"user_id": user, "item_id": "i", "occurred_at": "2026-03-01T00:00:00Z"}.items()
    }
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def refuse(warehouse: Warehouse, path: Path, code: str, **fields: object) -> None:
    with refused(BadInput, code, wording=False, file=path, **fields) as refusal:
        import_files(warehouse, {"interactions": path}, NOW, max_gb=1)
    assert "\n" not in str(refusal.value)


def test_a_packed_file_of_more_than_the_limit_is_refused(
    settings: Settings, warehouse: Warehouse, tmp_path: Path
) -> None:
    lines = b"u1,i1,2026-03-01T00:00:00Z\n" * 37_038
    small = [
        bomb(tmp_path / "rows.csv.gz", HEADER, lines, 1_001),
        bomb(tmp_path / "rows.jsonl.gz", b"", b'{"user_id":"u1","item_id":"i1","occurred_at":1}\n' * 20_834, 1_001),
        # 300,000 times an id of 4,000 characters.
        parquet_of(tmp_path / "long.parquet", 300_000, "u" * 4_000),
    ]
    for path in small:
        assert path.stat().st_size < 6_000_000
        refuse(warehouse, path, "packed_file_too_large", setting="NIGHTJAR_IMPORT_MAX_GB", value=1)
    assert rows_of(settings, "select count(*) from raw.interactions") == [(0,)]
    assert rows_of(settings, "select count(*) from raw.rejected_rows") == [(0,)]


def test_a_packed_file_below_the_limit_is_imported_whole(
    settings: Settings, warehouse: Warehouse, tmp_path: Path
) -> None:
    rows = parquet_of(tmp_path / "rows.parquet", 100_000, "u1")
    assert import_files(warehouse, {"interactions": rows}, NOW, max_gb=1)[0].added == 1
    text = bomb(tmp_path / "rows.csv.gz", HEADER, b"u2,i1,2026-03-01T00:00:00Z\n" * 1_000, 2)
    assert import_files(warehouse, {"interactions": text}, NOW, max_gb=1)[0].added == 1


def test_values_that_no_line_could_hold_and_nested_ones_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    refuse(warehouse, parquet_of(tmp_path / "e.parquet", 3, "u" * 2_000_001), "value_too_long", expected=2_000_000)
    nested = pa.table({"user_id": [["u"]], "item_id": ["i"], "occurred_at": ["2026-03-01T00:00:00Z"]})
    pq.write_table(nested, tmp_path / "nested.parquet")
    refuse(warehouse, tmp_path / "nested.parquet", "nested_column", column="user_id")
    refuse(warehouse, bomb(tmp_path / "e.csv.gz", b"", b"x" * 1_000_000, 3), "no_column_names", line=1)
