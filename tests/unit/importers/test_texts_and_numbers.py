"""Which numbers and optional values of files are read, and as what."""

import pytest

from tests.support.checked_rows import check_rows, rejected_for
from tests.support.golden import check_wording


def values(column: str, written: str | None, table: str = "interactions", **options: object) -> object:
    return check_rows([{column: written}], table=table, **options).values(column)[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("4.5", 4.5), (" 4 ", 4.0), (".5", 0.5), ("1e3", 1000.0), ("-1", -1.0), ("", None), ("NaN", None), ("\\N", None)],
)
def test_a_number_is_read_and_a_word_for_none_keeps_the_event(written: str, meant: float | None) -> None:
    assert values("value", written) == meant


def test_what_is_no_certain_number_is_rejected_with_what_it_looks_like() -> None:
    written = ["inf", "5_0", "4,5", "1.234,5", "1,234.5", "1,234", "true"]
    checked = check_rows([{"value": each} for each in written])
    assert checked.values("value") == [rejected_for("value")] * len(written)
    assert all(repr(each) in str(reason) for each, reason in zip(written, checked.reasons, strict=True))
    check_wording(checked.reasons_in_lines)


@pytest.mark.parametrize(
    ("written", "meant"), [("4,5", 4.5), ("1,234", 1.234), ("5", 5.0), (",5", 0.5), ("NULL", None)]
)
def test_with_the_option_a_comma_is_a_decimal_point(written: str, meant: float | None) -> None:
    assert values("value", written, decimal_comma=True) == meant


@pytest.mark.parametrize("written", ["4.5", "1.234,5"])
def test_with_the_option_a_point_is_not_certain(written: str) -> None:
    assert values("value", written, decimal_comma=True) == rejected_for("value")


def test_a_truth_value_is_no_weight_and_a_word_for_none_is_the_default() -> None:
    rows = [{"feature": "genre:a", "weight": each} for each in ("true", "NaN", "2")]
    assert check_rows(rows, table="item_features").values("weight") == [rejected_for("weight"), 1.0, 2.0]


def test_words_for_no_value_in_optional_columns_are_none_or_the_default_with_a_warning() -> None:
    checked = check_rows([{"title": "NULL", "domain": "nan"}, {"title": "Null Island", "domain": " films "}], "items")
    assert checked.values("title") == [None, "Null Island"]
    assert checked.values("domain") == ["default", "films"]
    assert [(warning.code, warning.column, warning.rows) for warning in checked.warnings] == [
        ("words_for_no_value", "domain", 1),
        ("words_for_no_value", "title", 1),
    ]
    check_wording("\n".join(map(str, checked.warnings)))


def test_an_event_type_is_trimmed_and_a_word_for_none_is_the_default() -> None:
    rows = [{"event_type": each} for each in (" view ", "NULL", "", "remove_from_cart")]
    assert check_rows(rows).values("event_type") == ["view", "interaction", "interaction", "remove_from_cart"]


def test_a_word_in_an_obligatory_column_is_empty() -> None:
    assert values("feature", "None", "item_features") == rejected_for("feature")
    assert values("rank", "NaN", "exposures") == rejected_for("rank")
    assert values("occurred_at", "NaT", null_words=("nat",)) == rejected_for("occurred_at")
