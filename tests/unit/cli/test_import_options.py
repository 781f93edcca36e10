from typing import Any

import pytest

from nightjar.cli.import_options import typed_options
from nightjar.cli.layout_options import constants_of_layout, options_by_table
from nightjar.contract.errors import BadInput
from nightjar.importers.read_options import ReadOptions
from tests.support.refusals import refused

NOTHING: dict[str, Any] = dict.fromkeys(
    ("columns", "constants", "delimiter", "quote", "escape", "time_unit", "null_words")
)


def typed(**options: Any) -> ReadOptions:
    return typed_options(**{**NOTHING, **options})


def test_no_typed_option_leaves_the_defaults() -> None:
    assert typed() == ReadOptions()


def test_pairs_may_be_listed_repeated_and_hold_commas() -> None:
    read = typed(columns=["user_id=visitorid,item_id=item, no.", "occurred_at=a=b"], constants=["event_type=buy, now"])
    assert read.columns == {"user_id": "visitorid", "item_id": "item, no.", "occurred_at": "a=b"}
    assert read.constants == {"event_type": "buy, now"}


@pytest.mark.parametrize(
    ("word", "meant"), [("tab", "\t"), ("\\t", "\t"), ("semicolon", ";"), ("::", "::"), ("pipe", "|"), ("|", "|")]
)
def test_a_delimiter_may_be_given_by_name(word: str, meant: str) -> None:
    assert typed(delimiter=word).delimiter == meant


def test_quotes_may_be_none_and_words_for_no_value_are_compared_in_lower_case() -> None:
    read = typed(quote="none", null_words="NULL, n.v.,")
    assert (read.quote, read.null_words) == ("", ("null", "n.v."))
    assert typed(null_words="").null_words == ()


@pytest.mark.parametrize(
    ("options", "code", "fields"),
    [
        ({"columns": ["user_id"]}, "not_a_pair", {"option": "--columns", "value": "user_id"}),
        ({"columns": ["=x"]}, "not_a_pair", {"option": "--columns", "value": "=x"}),
        ({"columns": ["user_id="]}, "not_a_pair", {"option": "--columns", "value": "user_id="}),
        ({"columns": ["user_id=a,user_id=b"]}, "repeated_column", {"option": "--columns", "column": "user_id"}),
        ({"constants": ["event_type"]}, "not_a_pair", {"option": "--set", "value": "event_type"}),
        ({"delimiter": ""}, "invalid_option_value", {"option": "--delimiter", "value": ""}),
        ({"delimiter": "12345"}, "invalid_option_value", {"option": "--delimiter", "value": "12345"}),
        ({"delimiter": '"'}, "invalid_option_value", {"option": "--delimiter", "value": '"'}),
        ({"quote": "''"}, "invalid_option_value", {"option": "--quote", "value": "''"}),
        ({"escape": "\\\\"}, "invalid_option_value", {"option": "--escape", "value": "\\\\"}),
        ({"time_unit": "minutes"}, "unknown_option_value", {"option": "--time-unit", "value": "minutes"}),
        ({"time_zone": "Mars/Olympus"}, "unknown_time_zone", {"value": "Mars/Olympus"}),
        ({"time_zone": "../etc/passwd"}, "unknown_time_zone", {"value": "../etc/passwd"}),
        ({"encoding": "latin-99"}, "unknown_encoding", {"value": "latin-99"}),
    ],
    ids=str,
)
def test_an_invalid_option_is_refused(options: dict[str, Any], code: str, fields: dict[str, Any]) -> None:
    with refused(BadInput, code, **fields):
        typed(**options)


def test_options_apply_to_the_interactions_or_to_the_only_table() -> None:
    read = typed(delimiter=";")
    assert options_by_table(["interactions", "items"], read) == {"interactions": read, "items": ReadOptions()}
    assert options_by_table(["items"], read) == {"items": read}
    with refused(BadInput, "options_for_several_tables", tables=["items", "users"]):
        options_by_table(["items", "users"], read)
    assert set(options_by_table(["items", "users"], ReadOptions())) == {"items", "users"}


def test_typed_options_override_the_layout() -> None:
    layout = {
        "interactions": ReadOptions(
            columns={"user_id": "1", "item_id": "2", "occurred_at": "3"}, delimiter="::", header=False
        )
    }
    read = typed(columns=["item_id=4"], constants=["occurred_at=2026-03-01"], delimiter="|")
    merged = options_by_table(["interactions"], read, layout)["interactions"]
    assert merged == ReadOptions(
        columns={"user_id": "1", "item_id": "4"}, constants={"occurred_at": "2026-03-01"}, delimiter="|", header=False
    )
    with refused(BadInput, "missing_tables", tables=["items"]):
        options_by_table(["items"], ReadOptions(), layout)


def test_constants_of_a_layout_are_listed_unless_they_were_typed() -> None:
    layout = {"interactions": ReadOptions(constants={"event_type": "rating", "occurred_at": "2004-09-01"})}
    [line] = constants_of_layout("shop", layout, typed(constants=["event_type=buy"]))
    assert {"interactions:", "occurred_at", "'2004-09-01'", "shop"} <= set(line.split())
