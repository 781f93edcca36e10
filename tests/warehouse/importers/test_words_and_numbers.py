"""Which numbers and optional values of files are read, and as what."""

import pytest

from tests.support.checked_rows import check_rows


def values(column: str, written: str | None, table: str = "interactions", **options: object) -> object:
    return check_rows([{column: written}], table=table, **options).values(column)[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("4.5", 4.5), (" 4 ", 4.0), (".5", 0.5), ("1e3", 1000.0), ("-1", -1.0), ("", None), ("NaN", None), ("\\N", None)],
)
def test_a_number_is_read_and_a_word_for_none_keeps_the_event(written: str, meant: float | None) -> None:
    assert values("value", written) == meant


@pytest.mark.parametrize(
    ("written", "looks"),
    [
        ("inf", ""),
        ("5_0", ""),
        ("4,5", ": it has a decimal comma: write a point, or use --decimal-comma"),
        ("1.234,5", ": it has a decimal comma: write a point, or use --decimal-comma"),
        ("1,234.5", ": it has commas: write a point for decimals and none for thousands"),
        ("1,234", ": it has commas: write a point for decimals and none for thousands"),
        ("true", ": it looks like a truth value, which is no amount"),
    ],
)
def test_what_is_no_certain_number_is_rejected_with_what_it_looks_like(written: str, looks: str) -> None:
    assert values("value", written) == f"value '{written}' is no finite number{looks}"


@pytest.mark.parametrize(
    ("written", "meant"), [("4,5", 4.5), ("1,234", 1.234), ("5", 5.0), (",5", 0.5), ("NULL", None)]
)
def test_with_the_option_a_comma_is_a_decimal_point(written: str, meant: float | None) -> None:
    assert values("value", written, decimal_comma=True) == meant


@pytest.mark.parametrize("written", ["4.5", "1.234,5"])
def test_with_the_option_a_point_is_not_certain(written: str) -> None:
    assert str(values("value", written, decimal_comma=True)).startswith(f"value '{written}' is no finite number")


def test_a_truth_value_is_no_weight_and_a_word_for_none_is_the_default() -> None:
    rows = [{"feature": "genre:a", "weight": each} for each in ("true", "NaN", "2")]
    rejected = "weight 'true' is no finite number: it looks like a truth value, which is no amount"
    assert check_rows(rows, table="item_features").values("weight") == [rejected, 1.0, 2.0]


def test_words_for_no_value_in_optional_columns_are_none_or_the_default_with_a_warning() -> None:
    checked = check_rows([{"title": "NULL", "domain": "nan"}, {"title": "Null Island", "domain": " films "}], "items")
    assert checked.values("title") == [None, "Null Island"]
    assert checked.values("domain") == ["default", "films"]
    assert [(notice.table, notice.rows) for notice in checked.notices] == [("items", 1), ("items", 1)]


def test_an_event_type_is_trimmed_and_a_word_for_none_is_the_default() -> None:
    rows = [{"event_type": each} for each in (" view ", "NULL", "", "remove_from_cart")]
    assert check_rows(rows).values("event_type") == ["view", "interaction", "interaction", "remove_from_cart"]


def test_a_word_in_an_obligatory_column_is_empty() -> None:
    assert values("feature", "None", "item_features") == "feature is empty: 'None' stands for no value"
    assert values("rank", "NaN", "exposures") == "rank is empty: 'NaN' stands for no value"
    assert values("occurred_at", "NaT", null_words=("nat",)) == "occurred_at is empty: 'NaT' stands for no value"
