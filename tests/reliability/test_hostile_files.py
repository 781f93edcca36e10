"""Hostile and malformed files: imported literally, or refused in one line."""

import json
import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date, parse_instant
from nightjar.contract.settings import Settings
from nightjar.importers.import_files import import_files
from nightjar.importers.values.texts import BLANKS
from nightjar.warehouse.protocol import Warehouse

pytestmark = pytest.mark.reliability

NOW = datetime(2026, 4, 1, tzinfo=UTC)
EXAMPLES = 1000 if os.environ.get("NIGHTJAR_TEST_SOAK") else 40
FUZZ = hypothesis_settings(
    max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
HOSTILE = [
    "'; drop table raw.interactions; --",
    '"quoted"',
    "two\nlines",
    "\u202eright to left",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "{{ 7 * 7 }}",
    "$(touch x)",
    "../../etc/passwd",
    "%s %(a)s ? $1",
    "x" * 1_000_000,
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))


def stored(warehouse: Warehouse, statement: str) -> list[tuple]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_an_id_is_kept_to_the_letter_or_its_row_is_rejected_with_a_reason(
    settings: Settings, warehouse: Warehouse, tmp_path: Path
) -> None:
    numbers = count()

    @FUZZ
    @given(TEXTS)
    @example("a\0b")
    @example("\ud7ff")
    @example("")
    @example(" ")
    @example(HOSTILE[0])
    @example(HOSTILE[-1])
    def fuzz(user: str) -> None:
        item = f"item-{next(numbers)}"
        path = tmp_path / f"{item}.jsonl"
        path.write_text(json.dumps({"user_id": user, "item_id": item, "occurred_at": "2026-03-01T00:00:00Z"}) + "\n")
        before = stored(warehouse, "select count(*) from raw.rejected_rows")[0][0]
        try:
            import_files(warehouse, {"interactions": path}, NOW)
        except BadInput as error:
            assert error.code == "no_usable_rows"
            return
        with warehouse.connect(read_only=True) as connection:
            kept = connection.execute("select user_id from raw.interactions where item_id = ?", [item]).fetchall()
        rejected = stored(warehouse, "select count(*) from raw.rejected_rows")[0][0] - before
        assert (kept, rejected) in (([(user.strip(BLANKS),)], 0), ([], 1))

    fuzz()


def test_bytes_of_any_kind_are_imported_or_refused_in_one_clear_line(
    settings: Settings, warehouse: Warehouse, tmp_path: Path
) -> None:
    numbers = count()

    @FUZZ
    @given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl", "parquet", "csv.gz"]))
    @example(b"PAR1PAR1", "parquet")
    @example(b"user_id,item_id,occurred_at\n\0,\0,\0\n", "csv")
    @example(b"user_id,item_id,occurred_at\n\xff,\xfe,1\n", "csv")
    @example(b'{"user_id": {"a": [1]}, "item_id": null, "occurred_at": true}\n', "jsonl")
    def fuzz(content: bytes, ending: str) -> None:
        path = tmp_path / f"{next(numbers)}.{ending}"
        path.write_bytes(content)
        try:
            import_files(warehouse, {"interactions": path}, NOW)
        except BadInput as error:
            assert (bool(error.code), str(error.fields["file"])) == (True, str(path))
            assert "\n" not in str(error)

    fuzz()
    assert stored(warehouse, "select count(*) >= 0 from raw.interactions") == [(True,)]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.bool_(), pa.binary(), pa.list_(pa.string())], ids=str)
@pytest.mark.parametrize("column", ["user_id", "item_id", "occurred_at"])
def test_a_parquet_file_of_other_types_is_imported_or_refused_and_never_fails_otherwise(
    settings: Settings, warehouse: Warehouse, tmp_path: Path, kind: pa.DataType, column: str
) -> None:
    event = {"user_id": ["u"], "item_id": ["i"], "occurred_at": ["2026-03-01T00:00:00Z"]}
    columns = {name: pa.array(values) for name, values in event.items()} | {column: pa.nulls(1, kind)}
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table(columns), path)
    try:
        import_files(warehouse, {"interactions": path}, NOW)
    except BadInput as error:
        assert (bool(error.code), str(error.fields["file"])) == (True, str(path))
    assert stored(warehouse, "select count(*) from raw.interactions") == [(0,)]


@FUZZ
@given(
    st.one_of(TEXTS, st.sampled_from(["2026-13-01", "0000-00-00", "9999-12-31", "2026-03-01'; --", "../2026-03-01"]))
)
def test_a_date_is_a_date_or_bad_input(text: str) -> None:
    for parse in (of_date, lambda given: parse_instant("as-of", given)):
        try:
            parse(text)
        except BadInput as error:
            assert "\n" not in str(error)
