"""Which ids of files are one id, and which are rejected because their digits are lost."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nightjar.importers.import_files import import_files
from nightjar.importers.read_options import NULL_WORDS
from nightjar.importers.values.texts import BLANKS
from nightjar.warehouse.protocol import Warehouse
from tests.support.checked_rows import check_rows, rejected_for, user_ids
from tests.support.golden import check_wording

Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["12.0", "12", " 12 ", "12.00", "\t12\u00a0", "\ufeff12"], ["12"] * 6),
        (["100000.0", "-3.0", "-0.0"], ["100000", "-3", "0"]),
        (["12.0", "guest"], ["12", "guest"]),
        (["1.2345678E7", "1.0E7", "12"], ["12345678", "10000000", "12"]),
        (["1.2e+01", "12"], ["12", "12"]),
        # Versions, numbers with zeros, hexadecimal digits and labels are texts on purpose.
        (["1.10", "1.0", "1"], ["1.10", "1.0", "1"]),
        (["007", "1e5", "12"], ["007", "1e5", "12"]),
        (["007.0", "12.0"], ["007.0", "12.0"]),
        (["1.0E7", "abc"], ["1.0E7", "abc"]),
        (["a b", "Ünïcødé-用户"], ["a b", "Ünïcødé-用户"]),
    ],
)
def test_ids_that_became_floats_are_the_integers_they_were_and_texts_stay(written: list[str], meant: list[str]) -> None:
    assert user_ids(written) == meant


REJECTED = rejected_for("user_id")


@pytest.mark.parametrize(
    "written", ["1e+17", "1.23457E+17", "1.23457E+07", "9007199254740992.0", "123456789012345678.0"]
)
def test_an_id_whose_digits_are_lost_is_rejected(written: str) -> None:
    assert user_ids([written, "12"]) == [REJECTED, "12"]


@pytest.mark.parametrize(
    ("type_", "written", "meant"),
    [
        ("DOUBLE", "12.0", "12"),
        ("DOUBLE", "9007199254740991.0", "9007199254740991"),
        ("DOUBLE", "1e+17", REJECTED),
        ("DOUBLE", "inf", REJECTED),
        ("DOUBLE", "12.5", REJECTED),
        ("FLOAT", "16777215.0", "16777215"),
        ("FLOAT", "16777216.0", REJECTED),
        ("DECIMAL(38,2)", "12.00", "12"),
        ("DECIMAL(38,2)", "100000000000000000.00", "100000000000000000"),
        ("DECIMAL(38,2)", "12.50", REJECTED),
        ("DECIMAL(20,0)", "12", "12"),
        ("BIGINT", "9007199254740993", "9007199254740993"),
    ],
)
def test_a_column_that_the_file_types_holds_certain_integers(type_: str, written: str, meant: object) -> None:
    checked = check_rows([{"user_id": written}], types={"user_id": type_})
    assert checked.values("user_id") == [meant]
    check_wording(checked.reasons_in_lines)


def test_what_decides_is_every_source_of_the_import() -> None:
    assert user_ids(["12.0"], others=[{"user_id": "34.0"}]) == ["12"]
    assert user_ids(["12.0"], others=[{"user_id": "1.10"}]) == ["12.0"]


@pytest.mark.parametrize(
    ("written", "types", "rows"),
    [
        (["12.0", "12", "13.0"], {}, [("ids_written_as_floats", 2)]),
        (["12.0", "1.10"], {}, [("ids_like_floats_kept", 1)]),
        (["12.0", None], {"user_id": "DOUBLE"}, [("ids_of_numbers", 1)]),
        (["12", "abc", "1.10", "1e5"], {}, []),
    ],
)
def test_a_warning_counts_the_ids_that_look_like_floats(
    written: list[str | None], types: dict[str, str], rows: list[tuple[str, int]]
) -> None:
    warnings = check_rows([{"user_id": each} for each in written], types=types).warnings
    assert [(warning.code, warning.rows) for warning in warnings] == rows
    assert {(warning.table, warning.column) for warning in warnings} <= {("interactions", "user_id")}
    check_wording("\n".join(map(str, warnings)))


@pytest.mark.parametrize("word", ["NULL", "NaN", "None", "\\N", "null", "<NA>", " nil ", "N/A", "na"])
def test_a_null_word_is_no_id(word: str) -> None:
    assert user_ids([word, "u"]) == [REJECTED, "u"]
    assert user_ids([word], types={"user_id": "DOUBLE"}) == [REJECTED]


def test_words_for_no_value_are_an_option() -> None:
    assert user_ids(["None", "anonymous", "-1", ""], null_words=("Anonymous", "-1")) == [
        "None",
        REJECTED,
        REJECTED,
        REJECTED,
    ]
    assert user_ids(["NULL", "\\N"], null_words=()) == ["NULL", "\\N"]


def test_a_word_in_an_id_of_the_event_leaves_it_to_be_computed() -> None:
    first, second = check_rows([{"event_id": "NULL"}, {"event_id": " e1 "}]).values("event_id")
    assert (len(first), second) == (32, "e1")


@hypothesis_settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_every_integer_that_a_double_holds_comes_back(number: int) -> None:
    assert user_ids([f"{number}.0", str(number)]) == [str(number)] * 2
    assert user_ids([repr(float(number))], types={"user_id": "DOUBLE"}) == [str(number)]


@hypothesis_settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
def test_any_other_id_is_kept_to_the_letter_without_the_blanks_around_it(text: str) -> None:
    kept = text.strip(BLANKS)
    (found,) = user_ids([text])
    if kept.lower() in NULL_WORDS or not kept:
        assert found == REJECTED
    elif not kept.isascii() or not any(each.isdigit() for each in kept):
        assert found == kept


def test_ids_of_csv_and_parquet_files_meet(local_warehouse: Warehouse, rows_of: Query, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id,occurred_at\n12.0,34.0,2019-10-01\n12,34,2019-10-02\n")
    (tmp_path / "padded.csv").write_text("user_id,item_id,occurred_at\n 12 ,34 ,2019-10-03\n")
    (tmp_path / "items.csv").write_text("item_id,title\n34,A\n")
    at = pa.array([datetime(2019, 10, 4), datetime(2019, 10, 5)])
    floats = pa.table({"user_id": [12.0, 1e17], "item_id": [34.0, 34.0], "occurred_at": at})
    pq.write_table(floats, tmp_path / "float.parquet")
    exact = pa.array([Decimal("12.00"), Decimal("34.00")], pa.decimal128(12, 2))
    pq.write_table(
        pa.table({"user_id": exact.take(pa.array([0])), "item_id": exact.take(pa.array([1])), "occurred_at": at[:1]}),
        tmp_path / "decimal.parquet",
    )
    warnings: list[str] = []
    events = [tmp_path / name for name in ("events.csv", "padded.csv", "float.parquet", "decimal.parquet")]
    counts = import_files(
        local_warehouse, {"interactions": events, "items": tmp_path / "items.csv"}, IMPORTED_AT, warn=warnings.append
    )
    assert [(count.added, count.rejected) for count in counts] == [(4, 1), (1, 0)]
    assert rows_of("select distinct user_id, item_id from raw.interactions") == [("12", "34")]
    assert rows_of("select item_id from raw.items") == [("34",)]
    assert rows_of("select file, line from raw.rejected_rows") == [("float.parquet", 2)]
    assert len(warnings) >= 4
