import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.import_files import import_files
from nightjar.importers.loading import ImportCount
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

ImportText = Callable[..., ImportCount]
Query = Callable[[str], list[tuple[Any, ...]]]
IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
START = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = "select event_id, user_id, item_id, event_type, value, occurred_at from raw.interactions order by event_id"


def test_three_columns_are_enough(import_text: ImportText, query: Query) -> None:
    assert import_text("user,item,time\nu1,i1,2026-03-31T10:00:00Z\n").added == 1
    assert query("select user_id, item_id, event_type, value, occurred_at, ingested_at from raw.interactions") == [
        ("u1", "i1", "interaction", None, datetime(2026, 3, 31, 10, tzinfo=UTC), IMPORTED_AT)
    ]


def test_a_rating_column_makes_rating_events(import_text: ImportText, query: Query) -> None:
    import_text("user_id,item_id,rating,timestamp\nu1,i1,4.5,1700000100\n")
    assert query("select event_type, value from raw.interactions") == [("rating", 4.5)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-31", datetime(2026, 3, 31)),
        ("20260331", datetime(2026, 3, 31)),
        ("2026-03-31 10:20:30.5", datetime(2026, 3, 31, 10, 20, 30, 500_000)),
        ("2026-03-31T10:00:00+02:00", datetime(2026, 3, 31, 8)),
        ("881250949", datetime(1997, 12, 4, 15, 55, 49)),
        ("881250949.25", datetime(1997, 12, 4, 15, 55, 49, 250_000)),
        ("881250949123", datetime(1997, 12, 4, 15, 55, 49, 123_000)),
        ("881250949123456", datetime(1997, 12, 4, 15, 55, 49, 123_456)),
        ("881250949123456789", datetime(1997, 12, 4, 15, 55, 49, 123_456)),
    ],
)
def test_times_are_iso_8601_or_unix_times_of_any_unit(
    import_text: ImportText, query: Query, written: str, meant: datetime
) -> None:
    import_text(f"user,item,time\nu,i,{written}\n")
    assert query("select occurred_at from raw.interactions") == [(meant.replace(tzinfo=UTC),)]


def test_the_same_events_come_from_csv_tsv_json_lines_parquet_and_gzip(
    import_text: ImportText, query: Query, warehouse: Warehouse, tmp_path: Path
) -> None:
    assert import_text('user,item,rating,time\nu1,"i,1",4,1700000100\nu2,i2,,1700000200\n').added == 2
    events = query(EVENTS)
    import_text("user\titem\trating\ttime\nu1\ti,1\t4\t1700000100\nu2\ti2\t\t1700000200\n", "events.tsv")
    import_text(
        '{"user":"u1","item":"i,1","rating":4,"time":1700000100}\n\n{"user":"u2","item":"i2","time":1700000200}\n',
        "e.jsonl",
    )
    table = pa.table(
        {"user": ["u1", "u2"], "item": ["i,1", "i2"], "rating": [4.0, None], "time": [1700000100, 1700000200]}
    )
    pq.write_table(table, tmp_path / "events.parquet")
    zipped = tmp_path / "events.csv.gz"
    zipped.write_bytes(gzip.compress(b'user,item,rating,time\r\nu1,"i,1",4,1700000100\r\nu2,i2,,1700000200\r\n'))
    for path in (tmp_path / "events.parquet", zipped):
        count = import_files(warehouse, {"interactions": path}, IMPORTED_AT)[0]
        assert (count.added, count.already_there, count.rejected) == (0, 2, 0)
    assert query(EVENTS) == events


def test_a_second_import_adds_nothing_and_repeated_rows_collapse(import_text: ImportText, query: Query) -> None:
    text = "user,item,time\nu1,i1,1700000100\nu1,i1,1700000100\nu1,i2,1700000100\n"
    first, second = import_text(text), import_text(text)
    assert (first.added, first.already_there) == (2, 1)
    assert (second.added, second.already_there) == (0, 3)
    assert query("select count(*) from raw.interactions") == [(2,)]


def test_the_first_of_two_rows_with_one_event_id_counts(import_text: ImportText, query: Query) -> None:
    import_text("event_id,user,item,time\ne1,u1,i1,1700000100\ne1,u2,i2,1700000200\n")
    import_text("event_id,user,item,time\ne1,u3,i3,1700000300\n", "later.csv")
    assert query("select user_id from raw.interactions") == [("u1",)]


def test_ids_are_kept_to_the_letter(import_text: ImportText, query: Query) -> None:
    ids = [
        "'; drop table raw.interactions; --",
        "Ünïcødé-用户-🦉",
        "in between",
        "x" * 512,
        "007",
        "NULLA",
        "{path}",
        "%s",
    ]
    import_text("user,item,time\n" + "".join(f"{each},i,{1_700_000_000 + n}\n" for n, each in enumerate(ids)))
    assert query("select user_id from raw.interactions order by occurred_at") == [(each,) for each in ids]


def test_each_file_goes_to_its_own_table(warehouse: Warehouse, query: Query, tmp_path: Path) -> None:
    texts = {
        "interactions": "user,item,time\nu1,i1,1700000100\n",
        "items": "item_id,domain,title,available_from,available_until\ni1,films,A,2026-01-01,2030-01-01\ni2,,,,\n",
        "item_features": "item_id,feature\ni1,genre:Drama\n",
        "users": "user_id\nu1\n\nu2\n",
        "user_features": "user_id,feature,weight\nu1,age:25-34,0.5\n",
        "exposures": "user,item,rank,ts\nu1,i1,3,1700000100\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    counts = import_files(warehouse, {name: tmp_path / f"{name}.csv" for name in texts}, IMPORTED_AT)
    assert [(count.table_name, count.added) for count in counts] == [
        ("raw.interactions", 1),
        ("raw.items", 2),
        ("raw.item_features", 1),
        ("raw.users", 2),
        ("raw.user_features", 1),
        ("raw.exposures", 1),
    ]
    assert query("select item_id, domain, available_until, recorded_at from raw.items order by 1") == [
        ("i1", "films", datetime(2030, 1, 1, tzinfo=UTC), START),
        ("i2", "default", None, START),
    ]
    assert query("select weight from raw.item_features union all select weight from raw.user_features") == [
        (1.0,),
        (0.5,),
    ]
    assert query("select rank, publication_id, variant, shown_at from raw.exposures") == [
        (3, None, "default", START + timedelta(seconds=1_700_000_100))
    ]


def test_a_changed_attribute_is_a_new_version_at_the_time_of_its_import(import_text: ImportText, query: Query) -> None:
    import_text("item_id,title\ni1,Old\ni2,Same\n", "items.csv", "items")
    later = IMPORTED_AT + timedelta(days=1)
    count = import_text("item_id,title\ni1,New\ni2,Same\n", "items.csv", "items", later)
    assert (count.added, count.already_there) == (1, 1)
    assert import_text("item_id,title\ni1,New\ni2,Same\n", "items.csv", "items", later).added == 0
    assert query("select item_id, title, recorded_at from raw.items order by item_id, title") == [
        ("i1", "New", later),
        ("i1", "Old", START),
        ("i2", "Same", START),
    ]


def test_an_attribute_with_its_own_date_is_kept_under_that_date(import_text: ImportText, query: Query) -> None:
    text = "user_id,feature,weight,recorded_at\nu1,age:1,1,2026-01-01\nu1,age:1,0,2026-02-01\nu1,age:1,5,2026-02-01\n"
    assert import_text(text, "f.csv", "user_features").added == 2
    assert import_text(text, "f.csv", "user_features").added == 0
    assert query("select weight, recorded_at from raw.user_features order by 2") == [
        (1.0, datetime(2026, 1, 1, tzinfo=UTC)),
        (0.0, datetime(2026, 2, 1, tzinfo=UTC)),
    ]


def test_a_new_version_comes_after_one_that_was_dated_ahead(import_text: ImportText, query: Query) -> None:
    import_text("item_id,title,recorded_at\ni1,Ahead,2026-04-02\n", "items.csv", "items")
    import_text("item_id,title\ni1,Newer\n", "items.csv", "items")
    assert query("select title from raw.items order by recorded_at desc") == [("Newer",), ("Ahead",)]


def test_nothing_is_written_when_the_last_of_several_files_is_refused(
    warehouse: Warehouse, query: Query, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("user,item,time\nu1,i1,1700000100\nu1,i1,never\n")
    bad.write_text("item_id,colour\ni1,red\n")
    with refused(BadInput, "unknown_column", wording=False, file=bad, column="colour"):
        import_files(warehouse, {"interactions": good, "items": bad}, IMPORTED_AT)
    assert query("select count(*) from raw.interactions") == [(0,)]
    assert query("select count(*) from raw.rejected_rows") == [(0,)]


def test_a_name_with_wildcards_means_that_file_only(import_text: ImportText, tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("user,item,time\nu1,i1,1700000100\nu2,i2,1700000100\n")
    assert import_text("user,item,time\nu3,i3,1700000100\n", "*.csv").added == 1
    assert import_text("user,item,time\nu4,i4,1700000100\n", "[a]?.csv").added == 1
