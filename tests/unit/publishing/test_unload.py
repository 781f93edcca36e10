from datetime import UTC, date, datetime
from typing import Any

import duckdb
import numpy as np
import pytest

from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.publishing import event_types
from nightjar.publishing.event_types import EventType
from nightjar.publishing.unload import unload
from nightjar.stages.unload import run as run_stage
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import run_script

CORE = """
    create table intermediate.int_interactions_weighted as
        select * from (values
            ('e1', 'u1', 'i1', 'view', 2.0::double precision, 1.0::double precision, 30.0::double precision, timestamptz
            '2026-03-30 10:00+00', timestamptz '2026-03-30 10:01+00', date '2026-03-30'), ('e2', 'u1', 'i2', 'view',
            null, 1.0, null, timestamptz '2026-03-31 23:59:59+00', timestamptz '2026-04-02 00:00+00', date
            '2026-03-31'), ('e3', 'u1', 'i3', 'view', null, 1.0, null, timestamptz '2026-04-01 00:00+00', timestamptz
            '2026-04-01 00:00+00', date '2026-04-01')
        ) t(event_id, user_id, item_id, event_type, value, event_weight, half_life_days, occurred_at, ingested_at,
        event_date);
    create table core.dim_items as
        select * from (values
            ('i1', 'films', 'Old', null::timestamptz, null::timestamptz, timestamptz '2026-01-01 00:00+00', timestamptz
            '2026-03-31 12:00+00', false), ('i1', 'films', 'New', null, null, timestamptz '2026-03-31 12:00+00',
            timestamptz '2026-04-01 00:00+00', false), ('i1', 'films', 'Later', null, null, timestamptz '2026-04-01
            00:00+00', null, false), ('i2', 'films', 'Soon', timestamptz '2026-04-01 00:00+00', null, timestamptz
            '2026-01-01 00:00+00', null, true), ('i4', 'films', 'Gone', null, timestamptz '2026-03-31 00:00+00',
            timestamptz '2026-01-01 00:00+00', null, false), ('i5', 'films', 'Last day', null, timestamptz '2026-04-01
            00:00+00', timestamptz '2026-01-01 00:00+00', null, false)
        ) t(item_id, domain, title, available_from, available_until, valid_from, valid_to, is_inferred);
    create table core.dim_item_features as
        select * from (values
            ('i1', 'genre:Drama', 1.0::double precision, timestamptz '2026-01-01 00:00+00', timestamptz '2026-03-01
            00:00+00'), ('i1', 'genre:Drama', 0.0, timestamptz '2026-03-01 00:00+00', null),
            ('i1', 'genre:War', 2.0, timestamptz '2026-01-01 00:00+00', null)
        ) t(item_id, feature, weight, valid_from, valid_to);
    create table core.dim_item_vectors as
        select item_id, kind, cast(vector as real[]) as vector, valid_from, valid_to
        from (values
            ('i2', 'clip', array[0.1, -3], timestamptz '2026-01-01 00:00+00', null::timestamptz),
            ('i1', 'clip', array[1, 1.5], timestamptz '2026-01-01 00:00+00', timestamptz '2026-04-01 00:00+00'),
            ('i1', 'clip', array[9, 9], timestamptz '2026-04-01 00:00+00', null),
            ('i1', 'audio', array[1e-30, 16777217, 3], timestamptz '2026-01-01 00:00+00', null)
        ) t(item_id, kind, vector, valid_from, valid_to);
    create table core.dim_user_vectors as
        select user_id, 'profile' as kind, cast(vector as real[]) as vector, valid_from, valid_to
        from (values
            ('u2', array[0.1, -3], timestamptz '2026-01-01 00:00+00', timestamptz '2026-04-01 00:00+00'),
            ('u1', array[1, 1.5], timestamptz '2026-03-31 23:59+00', null::timestamptz),
            ('u2', array[9, 9], timestamptz '2026-04-01 00:00+00', null)
        ) t(user_id, vector, valid_from, valid_to);
    create table core.dim_users as
        select 'u1' as user_id, timestamptz '2026-01-01 00:00+00' as created_at,
            timestamptz '2026-01-01 00:00+00' as valid_from, null::timestamptz as valid_to,
            true as is_inferred;
    create table core.dim_user_features as
        select 'u1' as user_id, 'age:25-34' as feature, 1.0::double precision as weight,
            timestamptz '2026-05-01 00:00+00' as valid_from, null::timestamptz as valid_to;
"""


def snapshot(folder: RunFolder, name: str, columns: str) -> list[Any]:
    chosen, _, rest = columns.partition(" group by ")
    grouped = f" group by {rest}" if rest else ""
    return duckdb.sql(f"select {chosen} from read_parquet('{folder.snapshot(name)}'){grouped}").fetchall()


@pytest.fixture
def folder(settings: Settings, warehouse: Warehouse) -> RunFolder:
    with warehouse.transaction() as connection:
        run_script(connection, CORE)
    made = RunFolder.of(settings.lake, "2026-03-31.1")
    made.write_record(RunRecord("2026-03-31.1", 1, of_date("2026-03-31"), None, "auto", "r", "0"))
    return made


def test_a_run_sees_events_strictly_before_its_end(warehouse: Warehouse, folder: RunFolder, settings: Settings) -> None:
    assert unload(warehouse, folder, settings)["interactions"] == 2
    assert snapshot(folder, "interactions", "event_id, value, half_life_days") == [
        ("e1", 2.0, 30.0),
        ("e2", None, None),
    ]


def test_rows_that_arrived_later_are_hidden_on_request(
    warehouse: Warehouse, folder: RunFolder, settings: Settings
) -> None:
    before = datetime(2026, 4, 1, tzinfo=UTC)
    folder.write_record(RunRecord("2026-03-31.1", 1, of_date("2026-03-31"), before, "auto", "r", "0"))
    unload(warehouse, folder, settings)
    assert snapshot(folder, "interactions", "event_id") == [("e1",)]
    # i2 has only the hidden event, u1 also another one.
    assert snapshot(folder, "items", "item_id") == [("i1",), ("i4",), ("i5",)]
    assert snapshot(folder, "users", "user_id") == [("u1",)]


def test_an_item_has_its_version_and_its_availability_of_the_runs_end(
    warehouse: Warehouse, folder: RunFolder, settings: Settings
) -> None:
    unload(warehouse, folder, settings)
    assert snapshot(folder, "items", "item_id, title, is_available") == [
        ("i1", "New", True),
        ("i2", "Soon", False),
        ("i4", "Gone", False),
        ("i5", "Last day", True),
    ]


def test_withdrawn_and_later_features_are_left_out(warehouse: Warehouse, folder: RunFolder, settings: Settings) -> None:
    rows = unload(warehouse, folder, settings)
    assert snapshot(folder, "item_features", "item_id, feature, weight") == [("i1", "genre:War", 2.0)]
    assert rows["user_features"] == 0
    assert rows["users"] == 1


def test_vectors_are_those_that_were_recorded_before_the_runs_end_to_the_last_bit(
    warehouse: Warehouse, folder: RunFolder, settings: Settings
) -> None:
    assert unload(warehouse, folder, settings)["item_vectors"] == 3
    nearest = [float(np.float32(each)) for each in (1e-30, 16_777_217, 0.1)]
    assert snapshot(folder, "item_vectors", "item_id, kind, vector, typeof(vector)") == [
        ("i1", "audio", [nearest[0], nearest[1], 3], "FLOAT[]"),
        ("i1", "clip", [1, 1.5], "FLOAT[]"),
        ("i2", "clip", [nearest[2], -3], "FLOAT[]"),
    ]
    assert snapshot(folder, "user_vectors", "user_id, kind, vector") == [
        ("u1", "profile", [1, 1.5]),
        ("u2", "profile", [nearest[2], -3]),
    ]


VIEWS = """
    delete from intermediate.int_interactions_weighted;
    insert into intermediate.int_interactions_weighted
        select user_id || day || n, user_id, 'i' || n, event_type, null, weight, null,
            timestamptz '2026-03-30 10:00+00' + day * interval '1 day',
            timestamptz '2026-03-30 10:00+00' + day * interval '1 day', date '2026-03-30' + day
        from (values
            ('bot', 'view', 0, 3, 0.3::double precision), ('bot', 'view', 1, 1, 0.3), ('busy', 'view', 0, 2, 0.3),
            ('busy', 'view', 1, 2, 0.3), ('shown', 'impression', 0, 9, 0), ('later', 'view', 2, 9, 0.3)
        ) t(user_id, event_type, day, events, weight), generate_series(1, 9) as numbers(n)
        where n <= events;
"""


@pytest.fixture
def busy(warehouse: Warehouse, folder: RunFolder) -> RunFolder:
    """Events of a bot, of a busy user, of one who was shown much, and of one who acts after the run's end."""
    with warehouse.transaction() as connection:
        run_script(connection, VIEWS)
    return folder


def test_users_with_more_events_on_one_date_than_allowed_count_nothing_and_are_listed(
    settings: Settings, warehouse: Warehouse, busy: RunFolder
) -> None:
    limited = settings.model_copy(update={"max_events_per_day": 2})
    for _ in range(2):
        run_stage(limited, busy)
    assert snapshot(busy, "excluded_users", "user_id, event_date, events") == [("bot", date(2026, 3, 30), 3)]
    weights = snapshot(busy, "interactions", "user_id, sum(event_weight), count(*) group by 1 order by 1")
    assert weights == [("bot", 0.0, 4), ("busy", pytest.approx(1.2), 4), ("shown", 0.0, 9)]
    with warehouse.connect(read_only=True) as connection:
        listed = connection.execute("select * from recs.excluded_users").fetchall()
    assert listed == [("2026-03-31.1", date(2026, 3, 31), "bot", date(2026, 3, 30), 3)]
    # Without the limit no user is excluded or listed.
    run_stage(settings, busy)
    assert snapshot(busy, "interactions", "count(*) filter (where event_weight > 0)") == [(8,)]
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from recs.excluded_users").fetchall() == [(0,)]


def test_a_run_records_the_weights_of_its_event_types(
    settings: Settings, warehouse: Warehouse, busy: RunFolder
) -> None:
    with warehouse.transaction() as connection:
        connection.execute("delete from raw.event_weights where event_type <> 'view'")
        connection.execute("insert into raw.event_weights values ('view', 1.0, 60.0, null)")
        connection.execute(
            "update intermediate.int_interactions_weighted set event_weight = 0.25 where event_type = 'impression'"
        )
    unload(warehouse, busy, settings)
    # The weights change later, what the run took does not.
    with warehouse.transaction() as connection:
        connection.execute("delete from raw.event_weights")
    assert event_types.read(busy) == [
        EventType("impression", 0.25, None, None, 9, is_known=False),
        EventType("view", 0.3, None, 180.0, 8, is_known=True),
        EventType("view", 1.0, 60.0, None, 8, is_known=True),
    ]
