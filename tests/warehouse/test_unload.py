from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from laid_rows import run_script

from warehouse.adapters.protocol import Warehouse
from warehouse.interval import of_date
from warehouse.run_folder import RunFolder, RunRecord
from warehouse.settings import Settings
from warehouse.unload import unload

CORE = """
    create table intermediate.int_interactions_weighted as
        select * from (values
            ('e1', 'u1', 'i1', 'view', 2.0::double precision, 1.0::double precision, 30.0::double precision, timestamptz '2026-03-30 10:00+00', timestamptz '2026-03-30 10:01+00', date '2026-03-30'),
            ('e2', 'u1', 'i2', 'view', null, 1.0, null, timestamptz '2026-03-31 23:59:59+00', timestamptz '2026-04-02 00:00+00', date '2026-03-31'),
            ('e3', 'u1', 'i3', 'view', null, 1.0, null, timestamptz '2026-04-01 00:00+00', timestamptz '2026-04-01 00:00+00', date '2026-04-01')
        ) t(event_id, user_id, item_id, event_type, value, event_weight, half_life_days, occurred_at, ingested_at, event_date);
    create table core.dim_items as
        select * from (values
            ('i1', 'films', 'Old', null::timestamptz, null::timestamptz, timestamptz '2026-01-01 00:00+00', timestamptz '2026-03-31 12:00+00', false),
            ('i1', 'films', 'New', null, null, timestamptz '2026-03-31 12:00+00', timestamptz '2026-04-01 00:00+00', false),
            ('i1', 'films', 'Later', null, null, timestamptz '2026-04-01 00:00+00', null, false),
            ('i2', 'films', 'Soon', timestamptz '2026-04-01 00:00+00', null, timestamptz '2026-01-01 00:00+00', null, true),
            ('i4', 'films', 'Gone', null, timestamptz '2026-03-31 00:00+00', timestamptz '2026-01-01 00:00+00', null, false),
            ('i5', 'films', 'Last day', null, timestamptz '2026-04-01 00:00+00', timestamptz '2026-01-01 00:00+00', null, false)
        ) t(item_id, domain, title, available_from, available_until, valid_from, valid_to, is_inferred);
    create table core.dim_item_features as
        select * from (values
            ('i1', 'genre:Drama', 1.0::double precision, timestamptz '2026-01-01 00:00+00', timestamptz '2026-03-01 00:00+00'),
            ('i1', 'genre:Drama', 0.0, timestamptz '2026-03-01 00:00+00', null),
            ('i1', 'genre:War', 2.0, timestamptz '2026-01-01 00:00+00', null)
        ) t(item_id, feature, weight, valid_from, valid_to);
    create table core.dim_users as
        select 'u1' as user_id, timestamptz '2026-01-01 00:00+00' as created_at,
            timestamptz '2026-01-01 00:00+00' as valid_from, null::timestamptz as valid_to,
            true as is_inferred;
    create table core.dim_user_features as
        select 'u1' as user_id, 'age:25-34' as feature, 1.0::double precision as weight,
            timestamptz '2026-05-01 00:00+00' as valid_from, null::timestamptz as valid_to;
"""


def snapshot(folder: RunFolder, name: str, columns: str) -> list[Any]:
    return duckdb.sql(f"select {columns} from read_parquet('{folder.snapshot(name)}')").fetchall()


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
    # i2 is known by nothing but the hidden event, u1 also by another one.
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
