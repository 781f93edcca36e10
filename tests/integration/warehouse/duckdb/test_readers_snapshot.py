"""What readers of `published.duckdb` find in it, and what each refresh copies."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_for_readers, open_warehouse
from nightjar.warehouse.readers_snapshot import newest_state, refresh
from tests.support.small_runs import insert_events, publish_run

LISTS = "select publication_id, count(*) from recs.recommendations group by 1 order by 1"
CURRENT = "select publication_id, count(*) from recs.recommendations_current group by 1"
EMBEDDINGS = "select distinct publication_id from recs.user_embeddings"
BUILT = """
create schema if not exists core;
create schema if not exists marts;
create or replace view warehouse.recs.recommendations_current as
    select r.* from warehouse.recs.recommendations r join warehouse.recs.current_publication c using (publication_id);
create or replace view warehouse.recs.a_view_that_reads_a_later_one as
    select count(*) as n from warehouse.recs.recommendations_current;
create or replace view warehouse.marts.of_raw_rows as select * from warehouse.raw.interactions;
create or replace table warehouse.core.fct_interactions as
    select *, cast(occurred_at as date) as event_date from warehouse.raw.interactions;
create or replace view warehouse.marts.user_events as select * from warehouse.core.fct_interactions;
create or replace view warehouse.core.dim_item_vectors as select * from warehouse.raw.item_vectors;
create or replace view warehouse.marts.item_vectors as
    select item_id, kind, vector from warehouse.core.dim_item_vectors;
create or replace table warehouse.marts."Odd name" as select 1 as "a column";
"""


def build(settings: Settings) -> None:
    """Do as dbt does, whose views name the catalogue."""
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(BUILT)
        connection.execute(
            "insert into recs.user_embeddings select publication_id, data_date, 'u', [0.5], 0, 'trained' "
            "from recs.current_publication"
        )


def rows(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def reader(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open and answers each line it is given."""
    answers = (
        "import duckdb, sys\nheld = duckdb.connect(sys.argv[1], read_only=True)\nprint('open', flush=True)\n"
        "for query in sys.stdin:\n    print(held.execute(query).fetchall(), flush=True)\n"
    )
    command = [sys.executable, "-c", answers, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def asked(process: subprocess.Popen[str], query: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{query}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.fixture
def published(settings: Settings) -> Settings:
    """A home with the publications of March 10 and 11, and its readers' snapshot."""
    insert_events(settings)
    publish_run(settings, 10)
    build(settings)
    refresh(open_warehouse(settings), "a test")
    publish_run(settings, 11)
    build(settings)
    refresh(open_warehouse(settings), "a test")
    return settings


def test_readers_have_recs_and_marts_with_views_that_work_under_any_name_of_the_file(
    published: Settings, tmp_path: Path
) -> None:
    renamed = tmp_path / "some copy.duckdb"
    renamed.write_bytes(published.published_path.read_bytes())
    for path in (published.published_path, renamed):
        assert rows(path, LISTS) == [("2026-03-10.1", 10), ("2026-03-11.1", 11)]
        assert rows(path, CURRENT) == [("2026-03-11.1", 11)]
        assert rows(path, "select n from recs.a_view_that_reads_a_later_one") == [(11,)]
        assert rows(path, "select count(*) from marts.user_events") == [(31,)]
        assert rows(path, 'select "a column" from marts."Odd name"') == [(1,)]
        assert rows(path, "select publication_id, cast(data_date as text) from recs.readers_snapshot") == [
            ("2026-03-11.1", "2026-03-11")
        ]
        # Of embeddings readers ask for the current ones, which take more room than all else of a publication.
        assert rows(path, EMBEDDINGS) == [("2026-03-11.1",)]
    assert rows(published.warehouse_path, EMBEDDINGS + " order by 1") == [("2026-03-10.1",), ("2026-03-11.1",)]


def test_a_view_of_what_is_not_there_is_named_and_left_out(published: Settings) -> None:
    with duckdb.connect(str(published.warehouse_path)) as connection:
        connection.execute("create table marts.base as select 1 as kept, 2 as dropped")
        connection.execute("create view marts.broken as select dropped from warehouse.marts.base")
        connection.execute("alter table marts.base drop column dropped")
    written = open_warehouse(published).write_readers_snapshot()
    assert written is not None
    assert written.views_left_out == ("marts.broken", "marts.of_raw_rows")


def test_a_reader_keeps_what_it_has_open_and_the_next_one_sees_the_new_publication(settings: Settings) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    build(settings)
    refresh(open_warehouse(settings), "a test")
    with reader(settings.published_path) as first:
        publish_run(settings, 11)
        refresh(open_warehouse(settings), "a test")
        assert asked(first, CURRENT) == "[('2026-03-10.1', 10)]"
        with reader(settings.published_path) as second:
            assert asked(second, CURRENT) == "[('2026-03-11.1', 11)]"


def test_publications_that_readers_have_are_not_copied_again_and_those_of_a_restored_warehouse_are(
    published: Settings,
) -> None:
    def marked() -> list[tuple]:
        return rows(
            published.published_path, "select distinct publication_id from recs.recommendations where item_id = 'mark'"
        )

    with duckdb.connect(str(published.published_path)) as connection:
        connection.execute("update recs.recommendations set item_id = 'mark'")
    refresh(open_warehouse(published), "a test")
    assert sorted(marked()) == [("2026-03-10.1",), ("2026-03-11.1",)]
    with duckdb.connect(str(published.warehouse_path)) as connection:
        connection.execute("update recs.publications set content_hash = 'other' where publication_id = '2026-03-11.1'")
    refresh(open_warehouse(published), "a test")
    assert marked() == [("2026-03-10.1",)]


def test_changed_and_removed_rows_of_the_facts_reach_readers(published: Settings) -> None:
    with duckdb.connect(str(published.warehouse_path)) as connection:
        connection.execute("update core.fct_interactions set event_type = 'purchase' where event_id = 'e3'")
        connection.execute("delete from core.fct_interactions where event_id in ('e4', 'e5')")
        connection.execute(
            "insert into core.fct_interactions select * replace ('e99' as event_id) "
            "from core.fct_interactions where event_id = 'e6'"
        )
    refresh(open_warehouse(published), "a test")
    query = "select event_id, event_type from {}.fct_interactions order by 1"
    assert rows(published.published_path, query.format("core")) == rows(published.warehouse_path, query.format("core"))
    assert len(rows(published.published_path, query.format("core"))) == 30


def test_readers_have_the_vectors_of_items_as_rows_and_those_that_changed(published: Settings) -> None:
    query = "select item_id, kind, vector from marts.item_vectors order by kind, item_id"
    assert rows(published.published_path, query) == []
    for changes, expected in (
        (
            "insert into raw.item_vectors (item_id, kind, vector, recorded_at) values "
            "('i1', 'clip', [1, 2], '2026-01-01 00:00Z'), ('i1', 'sound', [3], '2026-01-01 00:00Z')",
            [("i1", "clip", [1, 2]), ("i1", "sound", [3])],
        ),
        (
            "insert into raw.item_vectors (item_id, kind, vector, recorded_at) values "
            "('i2', 'sound', [4], '2026-01-01 00:00Z')",
            [("i1", "clip", [1, 2]), ("i1", "sound", [3]), ("i2", "sound", [4])],
        ),
        ("update raw.item_vectors set vector = [5, 6] where kind = 'clip'", None),
        ("delete from raw.item_vectors where kind = 'sound'", [("i1", "clip", [5, 6])]),
    ):
        with duckdb.connect(str(published.warehouse_path)) as connection:
            connection.execute(changes)
        refresh(open_warehouse(published), "a test")
        found = rows(published.published_path, query)
        assert found == rows(published.warehouse_path, query)
        assert expected in (None, found)


def test_retained_publications_only_are_left(published: Settings) -> None:
    with duckdb.connect(str(published.warehouse_path)) as connection:
        connection.execute("delete from recs.recommendations where publication_id = '2026-03-10.1'")
    refresh(open_warehouse(published), "a test")
    assert rows(published.published_path, LISTS) == [("2026-03-11.1", 11)]


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"no database" * 1000])
def test_a_damaged_file_is_written_whole(published: Settings, damage: Callable[[bytes], bytes]) -> None:
    published.published_path.write_bytes(damage(published.published_path.read_bytes()))
    refresh(open_warehouse(published), "a test")
    assert rows(published.published_path, LISTS) == [("2026-03-10.1", 10), ("2026-03-11.1", 11)]
    assert rows(published.published_path, CURRENT) == [("2026-03-11.1", 11)]


def test_a_table_with_other_columns_is_copied_whole(published: Settings) -> None:
    with duckdb.connect(str(published.warehouse_path)) as connection:
        connection.execute("alter table recs.recommendations add column later integer")
        connection.execute("drop view recs.a_view_that_reads_a_later_one")
        connection.execute('drop table marts."Odd name"')
    refresh(open_warehouse(published), "a test")
    path = published.published_path
    assert rows(path, "select count(*) from recs.recommendations where later is null") == [(21,)]
    names = rows(path, "select table_name from information_schema.tables where table_schema in ('recs', 'marts')")
    assert ("a_view_that_reads_a_later_one",) not in names
    assert ("Odd name",) not in names


def test_without_a_snapshot_readers_read_the_warehouse(settings: Settings) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    with open_for_readers(settings).connect(read_only=True) as connection:
        assert connection.execute(LISTS).fetchall() == [("2026-03-10.1", 10)]


def test_the_newest_state_is_the_warehouses_unless_a_process_writes_to_it(published: Settings) -> None:
    publish_run(published, 12)
    with newest_state(published) as (connection, of_when):
        assert (len(connection.execute(LISTS).fetchall()), of_when) == (3, "")
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(published.warehouse_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        with newest_state(published) as (connection, of_when):
            assert len(connection.execute(LISTS).fetchall()) == 2
            assert str(writer.pid) in of_when
        assert writer.stdin is not None
        writer.stdin.close()
