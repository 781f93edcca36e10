"""What event types count: the table's rows, the changes of them, and what a run does with types that have no weight."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.event_counts import Visible, check_some_event_counts, unknown_types
from nightjar.publishing.run_request import RunRequest
from nightjar.warehouse import event_weight_changes as changes
from nightjar.warehouse import event_weights
from nightjar.warehouse.event_weights import EventWeight
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import run_script
from tests.support.refusals import refused

REQUEST = RunRequest(of_date("2026-03-28"), "r")


def rows_of(warehouse: Warehouse, event_type: str) -> list[EventWeight]:
    with warehouse.connect(read_only=True) as connection:
        return event_weights.by_type(event_weights.read(connection)).get(event_type, [])


@pytest.fixture
def arrive(warehouse: Warehouse, insert: Callable[..., None]) -> Callable[..., None]:
    """`arrive(event_type, value, events, day)`: so many events of one type."""
    numbers = iter(range(1000))

    def arrived(event_type: str, value: float | None = None, events: int = 1, day: int = 28) -> None:
        with warehouse.transaction() as connection:
            for _ in range(events):
                at = f"2026-03-{day} 10:00:00+00"
                row = {"event_id": f"e{next(numbers)}", "event_type": event_type, "value": value, "occurred_at": at}
                insert(connection, "raw.interactions", **row)

    return arrived


def test_the_usual_names_are_shipped_and_what_was_taken_back_counts_nothing() -> None:
    weights = {row.event_type: (row.weight, row.half_life_days) for row in event_weights.shipped()}
    assert {weights[name] for name in ("purchase", "order", "transaction", "buy", "checkout", "sale")} == {(1.0, 180.0)}
    assert {weights[name] for name in ("add_to_cart", "addtocart", "cart", "basket")} == {(0.7, 180.0)}
    assert {weights[name] for name in ("rating", "interaction")} == {(1.0, None)}
    nothing = ("remove_from_cart", "removefromcart", "impression", "wishlist_remove", "refund", "return", "dislike")
    assert {weights[name][0] for name in nothing} == {0.0}
    # As the first version had them.
    old = {"view": 0.3, "click": 0.5, "add_to_cart": 0.7, "like": 1.0, "play": 0.6, "read": 0.8, "watch": 1.0}
    assert {name: weights[name] for name in old} == {name: (weight, 180.0) for name, weight in old.items()}


def test_a_warehouse_gets_the_shipped_weights_once(warehouse: Warehouse) -> None:
    changes.set_one(warehouse, EventWeight("view", 0.9), keeps_half_life=True)
    changes.remove(warehouse, "purchase", None)
    warehouse.create_tables()
    assert rows_of(warehouse, "view") == [EventWeight("view", 0.9, None, 180.0)]
    assert rows_of(warehouse, "purchase") == []
    assert rows_of(warehouse, "order") == [EventWeight("order", 1.0, None, 180.0)]


def test_a_warehouse_of_an_earlier_version_keeps_the_weights_of_its_seed(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        run_script(
            connection,
            """
            drop table raw.event_weights;
            create table core.event_weights as select * from (values
                ('view', 0.1::double precision, null::double precision, 30.0::double precision),
                ('watch', 0.2, null, null), ('watch', 1.0, 0.9, null)
            ) t(event_type, weight, min_value, half_life_days);
            """,
        )
    # As `nightjar run` asks before it writes anything.
    watch = [EventWeight("watch", 0.2), EventWeight("watch", 1.0, 0.9)]
    assert rows_of(warehouse, "watch") == watch
    warehouse.create_tables()
    assert rows_of(warehouse, "watch") == watch
    assert rows_of(warehouse, "view") == [EventWeight("view", 0.1, None, 30.0)]
    assert rows_of(warehouse, "order") == [EventWeight("order", 1.0, None, 180.0)]


def test_a_weight_is_set_for_any_value_or_from_one_on_and_may_be_set_again(warehouse: Warehouse) -> None:
    for _ in range(2):
        changes.set_one(warehouse, EventWeight("watch", 0.1, None, 30.0), keeps_half_life=False)
        changes.set_one(warehouse, EventWeight("watch", 1.0, 0.9, None), keeps_half_life=True)
    changes.set_one(warehouse, EventWeight("watch", 0.2), keeps_half_life=True)
    assert rows_of(warehouse, "watch") == [EventWeight("watch", 0.2, None, 30.0), EventWeight("watch", 1.0, 0.9)]
    assert changes.remove(warehouse, "watch", 0.9) == 1
    assert rows_of(warehouse, "watch") == [EventWeight("watch", 0.2, None, 30.0)]
    assert changes.reset(warehouse, "watch") == 1
    assert rows_of(warehouse, "watch") == [EventWeight("watch", 1.0, None, 180.0)]


@pytest.mark.parametrize(
    "row",
    [
        EventWeight("view", float("nan")),
        EventWeight("view", float("inf")),
        EventWeight("view", -0.1),
        EventWeight("View", 1.0),
        EventWeight(" view", 1.0),
        EventWeight("", 1.0),
        EventWeight("view", 1.0, float("nan")),
        EventWeight("view", 1.0, None, 0.0),
        EventWeight("view", 1.0, None, float("inf")),
    ],
    ids=str,
)
def test_a_row_that_no_run_could_use_is_refused_and_changes_nothing(warehouse: Warehouse, row: EventWeight) -> None:
    with refused(BadInput, "invalid_event_weights", wording=False, event_types=[row.event_type]):
        changes.set_one(warehouse, row, keeps_half_life=False)
    assert rows_of(warehouse, "view") == [EventWeight("view", 0.3, None, 180.0)]


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("event_type,weight\nview,1\nview,2\n", "invalid_event_weights", {"event_types": ["view"]}),
        ("event_type,weight\nview,much\n", "not_a_number", {"line": 2, "column": "weight", "value": "much"}),
        ("event_type,weight\nview,\n", "empty_value", {"line": 2, "column": "weight"}),
        ("event_type,weight\nview\n", "wrong_number_of_cells", {"line": 2}),
        ("event_type,weight\nview,-1\n", "invalid_event_weights", {"event_types": ["view"]}),
        ("type,weight\nview,1\n", "unknown_column", {"column": "type"}),
        ("event_type\nview\n", "missing_columns", {"columns": ["weight"]}),
        ("event_type,weight\n", "no_rows", {}),
        ("", "missing_columns", {"columns": ["event_type", "weight"]}),
    ],
    ids=["repeated", "word", "empty", "short", "negative", "unknown", "missing", "no rows", "no bytes"],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, text: str, code: str, fields: dict[str, Any]
) -> None:
    (tmp_path / "weights.csv").write_text(text)
    with refused(BadInput, code, file=tmp_path / "weights.csv", **fields):
        event_weights.read_file(tmp_path / "weights.csv")


def test_a_file_replaces_the_rows_of_the_types_that_it_names(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "weights.csv").write_text("event_type,weight,min_value,half_life_days\n VIEW ,0.2,,\nview,0.8,60,7\n")
    changes.set_types(warehouse, event_weights.read_file(tmp_path / "weights.csv"))
    assert rows_of(warehouse, "view") == [EventWeight("view", 0.2), EventWeight("view", 0.8, 60.0, 7.0)]
    assert rows_of(warehouse, "order") == [EventWeight("order", 1.0, None, 180.0)]


def test_types_without_a_weight_are_counted_as_the_facts_name_them(
    warehouse: Warehouse, arrive: Callable[..., None]
) -> None:
    arrive("view", events=2)
    arrive(" Poke ", events=2)
    arrive("poke")
    arrive("nudge", day=29)
    with warehouse.connect(read_only=True) as connection:
        assert unknown_types(connection) == {"poke": 3, "nudge": 1}
        assert unknown_types(connection, Visible(REQUEST.interval.as_of)) == {"poke": 3}


def test_a_run_of_whose_events_none_counts_is_refused_with_the_command_that_mends_it(
    settings: Settings, warehouse: Warehouse, arrive: Callable[..., None]
) -> None:
    arrive("poke", events=2)
    arrive("remove_from_cart")
    # It happens after the run's end.
    arrive("purchase", day=29)
    types = {"unknown": {"poke": 2}, "zero": {"remove_from_cart": 1}}
    with refused(BadInput, "no_weighted_events", wording=False, count=3, **types) as refusal:
        begin_attempt(settings, warehouse, REQUEST)
    assert "nightjar events set poke --weight 1" in str(refusal.value)
    begin_attempt(settings.model_copy(update={"unknown_event_weight": 0.1}), warehouse, REQUEST)
    changes.set_one(warehouse, EventWeight("poke", 1.0), keeps_half_life=False)
    begin_attempt(settings, warehouse, REQUEST)


@pytest.mark.parametrize(
    ("value", "counts"), [(None, False), (-1.0, False), (3.9, False), (4.0, True), (6.0, False)], ids=str
)
def test_the_values_of_a_type_decide_where_only_some_of_them_count(
    settings: Settings, warehouse: Warehouse, arrive: Callable[..., None], value: float | None, counts: bool
) -> None:
    rows = [EventWeight("rating", 0.0, 0.0), EventWeight("rating", 1.0, 4.0), EventWeight("rating", 0.0, 5.5)]
    changes.set_types(warehouse, rows)
    arrive(" RATING", value)
    with warehouse.connect(read_only=True) as connection:
        if counts:
            check_some_event_counts(connection, settings, Visible())
        else:
            with refused(BadInput, "no_weighted_events", wording=False, unknown={}, zero={"rating": 1}):
                check_some_event_counts(connection, settings, Visible())


def test_weights_that_cannot_be_used_are_refused_before_a_run_begins(
    settings: Settings, warehouse: Warehouse, arrive: Callable[..., None]
) -> None:
    arrive("view")
    with warehouse.transaction() as connection:
        connection.execute("update raw.event_weights set half_life_days = 0 where event_type in ('view', 'click')")
    with refused(BadInput, "invalid_event_weights", wording=False, event_types=["click", "view"]):
        begin_attempt(settings, warehouse, REQUEST)
