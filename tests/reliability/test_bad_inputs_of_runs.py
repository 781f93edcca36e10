"""Runs with one fault in their input are refused in one line before they begin; the current publication stays."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tables import RAW, TEXT, Column, Table
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.input_contract import check_inputs
from nightjar.publishing.run_request import RunRequest
from nightjar.warehouse.protocol import Connection, Warehouse, insert_row
from tests.support.refusals import refused
from tests.support.small_runs import rows_of

pytestmark = pytest.mark.reliability

PUBLISHED = "2026-03-09.1"
REQUEST = RunRequest(of_date("2026-03-10"), "run")
USERS, ITEMS = 5, 4
SOUND = {"view": 40, "buy": 30}
Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def events_of(day: int, counts: dict[str, int]) -> list[dict[str, Any]]:
    """A day's events: five users and items i0 to i3 in turn, of each type one event in ten minutes."""
    at = of_date(f"2026-03-{day:02}").start
    return [
        {
            "event_id": f"{day}-{event_type}-{n}",
            "user_id": f"u{n % USERS}",
            "item_id": f"i{n % ITEMS}",
            "event_type": event_type,
            "occurred_at": at + timedelta(minutes=10 * n),
            "ingested_at": at + timedelta(days=1),
        }
        for event_type, count in counts.items()
        for n in range(count)
    ]


def add(warehouse: Warehouse, events: list[dict[str, Any]]) -> None:
    marks = ", ".join([f"({', '.join('?' * len(events[0]))})"] * len(events))
    with warehouse.transaction() as connection:
        connection.execute(
            f"insert into raw.interactions ({', '.join(events[0])}) values {marks}",
            [value for event in events for value in event.values()],
        )


@pytest.fixture
def week(warehouse: Warehouse, lay: Callable[..., RunFolder]) -> Warehouse:
    """A publication of March 9, and eight days of events with films (i0, i2) and books (i1, i3)."""
    lay(PUBLISHED)
    with warehouse.transaction() as connection:
        for n in range(ITEMS):
            item = {"item_id": f"i{n}", "domain": ("films", "books")[n % 2]}
            insert_row(connection, "raw.items", item | {"recorded_at": of_date("2026-01-01").start})
        connection.execute("update recs.popular_items set domain = 'films', item_id = 'i0'")
    # Fewer than 20 events a day are not checked.
    days = [events_of(day, {"view": 40 + day % 2, "buy": 30, "share": 5}) for day in range(2, 10)]
    add(warehouse, [event for day in days for event in day])
    return warehouse


def assert_refused(settings: Settings, warehouse: Warehouse, code: str, **fields: object) -> dict[str, Any]:
    """Assert that the run is refused before anything is written; return the fields of the error."""
    with refused(BadInput, code, wording=False, **fields) as caught:
        begin_attempt(settings, warehouse, REQUEST)
    assert rows_of(settings, "select publication_id from recs.publication_attempts") == [(PUBLISHED,)]
    assert rows_of(settings, "select publication_id from recs.current_publication") == [(PUBLISHED,)]
    assert not RunFolder.of(settings.lake, "2026-03-10.1").path.exists()
    return caught.value.fields


def test_a_run_like_the_previous_ones_begins(settings: Settings, week: Warehouse) -> None:
    add(week, events_of(10, SOUND))
    assert begin_attempt(settings, week, REQUEST).publication_id == "2026-03-10.1"


@pytest.mark.parametrize(
    ("share", "counts", "part", "now_and_before"),
    [
        (0.75, {"view": 40, "buy": 30}, None, None),
        (0.75, {"view": 29, "buy": 30}, "of type view", (29, 40)),
        (0.75, {"view": 20, "buy": 15}, "interactions", (35, 75)),
        (0.01, {"view": 70}, "of type buy", (0, 30)),
        (0.0, {"view": 70}, None, None),
    ],
)
def test_half_the_events_or_one_type_missing_is_refused(
    settings: Settings,
    week: Warehouse,
    share: float,
    counts: dict[str, int],
    part: str | None,
    now_and_before: tuple[int, int] | None,
) -> None:
    add(week, events_of(10, counts))
    settings = settings.model_copy(update={"min_volume_share": share})
    if part is None:
        begin_attempt(settings, week, REQUEST)
    else:
        assert assert_refused(settings, week, "volume_drop")["parts"][part] == now_and_before


BAD = {
    "all users new": (
        lambda event: event | {"user_id": f"user-{event['user_id']}"},
        {"by users seen before": (0, 75)},
    ),
    "all items new": (
        lambda event: event | {"item_id": f"item-{event['item_id']}"},
        {"in domain books": (0, 37), "in domain films": (0, 38), "with items seen before": (0, 75)},
    ),
    "a domain without events": (
        lambda event: None if event["item_id"] in ("i1", "i3") else event,
        {"in domain books": (0, 37)},
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_missing_part_is_refused_without_any_setting(settings: Settings, week: Warehouse, bad: str) -> None:
    change, parts = BAD[bad]
    add(week, [changed for event in events_of(10, SOUND) if (changed := change(event))])
    assert_refused(settings, week, "volume_drop", parts=parts)
    begin_attempt(settings.model_copy(update={"min_volume_share": 0.0}), week, REQUEST)


def test_a_domain_without_items_is_refused(settings: Settings, week: Warehouse) -> None:
    add(week, events_of(10, SOUND))
    with week.transaction() as connection:
        connection.execute("delete from raw.items where domain = 'films'")
    assert_refused(settings, week, "lost_domains", table="raw.items", domains=["films"])
    begin_attempt(settings.model_copy(update={"min_volume_share": 0.0}), week, REQUEST)


def test_a_source_that_is_late_is_refused(settings: Settings, week: Warehouse) -> None:
    # The last view of the day before was at 06:40, the 41st of one in ten minutes.
    last = datetime(2026, 3, 9, 6, 40, tzinfo=UTC)
    assert_refused(settings, week, "too_few_events", count=0, data_date="2026-03-10", newest=last)
    # Views until 06:30.
    add(week, events_of(10, SOUND))
    patient, impatient = (settings.model_copy(update={"max_silent_hours": hours}) for hours in (18, 17))
    newest = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)
    setting = "NIGHTJAR_MAX_SILENT_HOURS"
    assert_refused(impatient, week, "stale_events", setting=setting, expected=17, newest=newest)
    begin_attempt(patient, week, REQUEST)


class RolledBack(Exception):
    """Rolls a transaction back."""


def columns_of(table: Table, changed: Column, kind: str) -> str:
    """The columns of a raw table in a query on its copy, one of them changed."""
    other = "bigint" if changed.type == TEXT else "text"
    mutant = {
        "drop": "",
        "rename": f"{changed.name} as {changed.name}_",
        "retype": f"cast(null as {other}) as {changed.name}",
    }
    names = [mutant[kind] if column is changed else column.name for column in table.columns]
    return ", ".join(filter(None, names))


def test_every_dropped_renamed_or_retyped_raw_column_is_refused(warehouse: Warehouse) -> None:
    missed, mutants = [], 0
    for table in RAW:
        for column in table.columns:
            for kind in ("drop", "rename", "retype"):
                mutants += 1
                mutant = f"create table {table.full_name} as select {columns_of(table, column, kind)} from raw.kept"
                with contextlib.suppress(RolledBack), warehouse.transaction() as connection:
                    connection.execute(f"alter table {table.full_name} rename to kept")
                    connection.execute(mutant)
                    try:
                        check_inputs(connection)
                        missed.append((table.full_name, column.name, kind))
                    except BadInput as error:
                        assert error.code == ("wrong_type" if kind == "retype" else "missing_columns")
                        assert error.fields["columns"] == [f"{table.full_name}.{column.name}"]
                    raise RolledBack
    assert missed == []
    assert mutants == 3 * sum(len(table.columns) for table in RAW)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        pytest.param(table, column, id=f"{table.name}.{column.name}")
        for table in RAW
        for column in table.columns
        if column.nullable
    ],
)
def test_a_dropped_column_is_not_created_again_without_its_values(
    settings: Settings, warehouse: Warehouse, insert: Callable[..., None], table: Table, column: Column
) -> None:
    with warehouse.transaction() as connection:
        insert(connection, table.full_name)
        connection.execute(f"alter table {table.full_name} drop column {column.name}")
    with refused(BadInput, "missing_columns", wording=False, table=table.full_name, columns=[column.name]):
        begin_attempt(settings, warehouse, REQUEST)


def test_every_fault_of_the_raw_tables_is_named_at_once(settings: Settings, warehouse: Warehouse) -> None:
    def changed(connection: Connection) -> None:
        connection.execute("alter table raw.users drop column created_at")
        connection.execute("alter table raw.exposures alter column rank type text")
        check_inputs(connection)

    with (
        refused(BadInput, "missing_columns", wording=False, columns=["raw.users.created_at", "raw.exposures.rank"]),
        warehouse.transaction() as connection,
    ):
        changed(connection)
