"""Publishing in PostgreSQL: nothing shows before the commit, no reader waits for it, and publishers take turns."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import NightjarError
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.contract.tables import STAGED, table
from nightjar.publishing import publish as publications
from nightjar.publishing.ledger import Published
from nightjar.publishing.output_rows import arrow_schema
from nightjar.warehouse.postgres.adapter import PostgresWarehouse
from nightjar.warehouse.protocol import Connection
from tests.support.refusals import refused
from tests.support.warehouse_homes import variables_of

Stage = Callable[..., RunRecord]
SECONDS = 60


def publish(warehouse: PostgresWarehouse, run: RunRecord) -> Published:
    return publications.publish(warehouse, run, model_uri="models:/nightjar/1", mlflow_run_id="m", content_hash="h")


def rows(warehouse: PostgresWarehouse, query: str) -> list[Any]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_one_waiting(warehouse: PostgresWarehouse) -> bool:
    return rows(warehouse, "select count(*) from pg_locks where locktype = 'advisory' and not granted") == [(1,)]


@contextmanager
def stopped_before_its_commit(
    warehouse: PostgresWarehouse, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Future[Published], threading.Event]]:
    """Start publishing a run and hold it where all is done but the commit."""
    is_there, may_go_on = threading.Event(), threading.Event()
    point = publications.point_to

    def point_and_wait(connection: Connection, publication_id: str, *rest: Any) -> None:
        point(connection, publication_id, *rest)
        if publication_id == run.publication_id:
            is_there.set()
            assert may_go_on.wait(SECONDS)

    monkeypatch.setattr(publications, "point_to", point_and_wait)
    with ThreadPoolExecutor() as threads:
        publishing = threads.submit(publish, warehouse, run)
        assert is_there.wait(SECONDS)
        try:
            yield publishing, may_go_on
        finally:
            may_go_on.set()


def test_a_publication_shows_whole_with_the_commit_and_not_before(
    postgres: PostgresWarehouse, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(postgres, stage(9))
    shown = """select (select publication_id from recs.current_publication),
        (select array_agg(distinct publication_id) from recs.recommendations),
        (select count(*) from recs.publications)"""
    before = ("2026-03-09.1", ["2026-03-09.1"], 1)
    run = stage(10)
    assert rows(postgres, shown) == [before]
    with (
        stopped_before_its_commit(postgres, run, monkeypatch) as (publishing, may_go_on),
        postgres.connect(read_only=True) as reader,
    ):
        assert reader.execute(shown).fetchall() == [before]
        may_go_on.set()
        # It commits although a reader is in the middle of the tables, and the reader goes on with what it saw.
        assert publishing.result(SECONDS).moved
        assert reader.execute(shown).fetchall() == [before]
    assert rows(postgres, shown) == [("2026-03-10.1", ["2026-03-09.1", "2026-03-10.1"], 2)]


def test_each_publication_has_a_partition_and_what_its_date_had_staged_is_dropped(
    postgres: PostgresWarehouse, stage: Stage
) -> None:
    stage(10)
    stage(11)
    publish(postgres, stage(10, users=5))
    tables = """select inhparent::regclass::text, inhrelid::regclass::text
        from pg_inherits join pg_class on oid = inhrelid
        where relname like 'recommendations%' and relkind = 'r' order by 1, 2"""
    assert rows(postgres, tables) == [
        ("recs.recommendations", "recs_partitions.recommendations_2026_03_10_1"),
        ("recs.recommendations", "recs_partitions.recommendations_2026_03_10_2"),
        ("recs.recommendations", "recs_partitions.recommendations_2026_03_11_1"),
        ("recs_staging.recommendations", "recs_staging.recommendations_2026_03_11_1"),
    ]
    counts = "select publication_id, count(*) from {}.recommendations group by 1"
    assert rows(postgres, counts.format("recs")) == [("2026-03-10.2", 5)]
    assert rows(postgres, counts.format("recs_staging")) == [("2026-03-11.1", 3)]


@pytest.mark.parametrize("prepare_threshold", [None, 0])
def test_who_reads_on_in_one_transaction_sees_the_new_publication_whole(
    postgres: PostgresWarehouse, stage: Stage, prepare_threshold: int | None
) -> None:
    query = """select max(publication_id), count(*) from recs.recommendations
        where publication_id = (select publication_id from recs.current_publication)"""
    publish(postgres, stage(9))
    run = stage(10, users=5)
    where = postgres.where
    with psycopg.connect(
        host=where.host,
        port=where.port,
        user=where.user,
        password=where.password,
        dbname=where.database,
        prepare_threshold=prepare_threshold,
    ) as reader:
        # Often enough that nothing is looked up any more: plan, statistics and partitions are those of now.
        for _ in range(10):
            assert reader.execute(query).fetchall() == [("2026-03-09.1", 3)]
        publish(postgres, run)
        assert reader.execute(query).fetchall() == [("2026-03-10.1", 5)]


def test_no_reader_sees_a_gap_or_a_mix_while_run_after_run_is_published(
    postgres: PostgresWarehouse, stage: Stage
) -> None:
    query = """select count(*), count(distinct publication_id) from recs.recommendations
        where publication_id = (select publication_id from recs.current_publication)"""
    publish(postgres, stage(1))
    runs = [stage(day) for day in range(2, 22)]
    is_over = threading.Event()

    def read() -> set[Any]:
        seen = set()
        with postgres.connect() as connection:
            while not is_over.is_set():
                seen.update(connection.execute(query).fetchall())
        return seen

    with ThreadPoolExecutor() as threads:
        readers = [threads.submit(read) for _ in range(4)]
        for run in runs:
            publish(postgres, run)
        is_over.set()
        assert set().union(*(each.result(SECONDS) for each in readers)) == {(3, 1)}


def test_a_lookup_reads_one_publication_by_its_index(postgres: PostgresWarehouse, stage: Stage) -> None:
    for day in (9, 10, 11):
        publish(postgres, stage(day, users=2_000))
    query = "select * from recs.recommendations where publication_id = '2026-03-10.1' and user_id = 'u7'"
    plan = "\n".join(line for (line,) in rows(postgres, f"explain {query}"))
    assert "Index Scan using recommendations_2026_03_10_1_pkey" in plan
    assert "2026_03_09" not in plan


def test_two_publishers_take_turns_and_the_newest_date_stays_current(
    postgres: PostgresWarehouse, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = stage(9), stage(10)
    with (
        stopped_before_its_commit(postgres, newer, monkeypatch) as (first, may_go_on),
        ThreadPoolExecutor() as threads,
    ):
        second = threads.submit(publish, postgres, older)
        wait_until(lambda: is_one_waiting(postgres))
        may_go_on.set()
        assert first.result(SECONDS) == Published(1, "2026-03-10.1", None, True)
        assert second.result(SECONDS) == Published(2, "2026-03-09.1", "2026-03-10.1", False)
    assert rows(postgres, "select publication_id from recs.current_publication") == [("2026-03-10.1",)]


def test_the_same_attempt_published_twice_at_once_is_one_publication(
    postgres: PostgresWarehouse, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stage(10)
    with stopped_before_its_commit(postgres, run, monkeypatch) as (first, may_go_on), ThreadPoolExecutor() as threads:
        second = threads.submit(publish, postgres, run)
        wait_until(lambda: is_one_waiting(postgres))
        may_go_on.set()
        assert first.result(SECONDS) == second.result(SECONDS) == Published(1, "2026-03-10.1", None, True)
    assert rows(postgres, "select count(*) from recs.recommendations") == [(3,)]


def test_an_attempt_that_begins_while_an_older_one_publishes_waits_for_its_end(
    postgres: PostgresWarehouse, stage: Stage, begin: Callable[[int], RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stage(10)
    with (
        stopped_before_its_commit(postgres, run, monkeypatch) as (publishing, may_go_on),
        ThreadPoolExecutor() as threads,
    ):
        begun = threads.submit(begin, 10)
        wait_until(lambda: is_one_waiting(postgres))
        may_go_on.set()
        assert publishing.result(SECONDS).moved
        assert begun.result(SECONDS).publication_id == "2026-03-10.2"


def test_attempts_that_begin_at_once_get_numbers_of_their_own(
    postgres: PostgresWarehouse, begin: Callable[[int], RunRecord]
) -> None:
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(begin, [10] * 8))
    assert sorted(run.attempt for run in begun) == [*range(1, 9)]


def test_a_publisher_that_waits_too_long_gives_up_and_has_changed_nothing(
    postgres: PostgresWarehouse, postgres_settings: Settings, stage: Stage
) -> None:
    run = stage(10)
    hurried = PostgresWarehouse(postgres.where, busy_deadline_seconds=0.05)
    with postgres.transaction(), refused(NightjarError, "warehouse_busy", wording=False):
        publish(hurried, run)
    assert rows(postgres, "select count(*) from recs.publications") == [(0,)]
    assert publish(hurried, run).moved


def test_an_error_in_the_middle_leaves_all_staged_and_nothing_published(
    postgres: PostgresWarehouse, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stage(10)

    def die(*_: Any) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as broken, pytest.raises(RuntimeError, match="in the middle"):
        broken.setattr(publications, "point_to", die)
        publish(postgres, run)
    counts = "select (select count(*) from recs.recommendations), (select count(*) from recs_staging.recommendations)"
    assert rows(postgres, counts) == [(0, 3)]
    assert publish(postgres, run) == Published(1, "2026-03-10.1", None, True)
    assert rows(postgres, counts) == [(3, 0)]


def test_a_publisher_that_is_killed_in_the_middle_leaves_all_to_the_next_try(
    postgres: PostgresWarehouse, postgres_settings: Settings, stage: Stage
) -> None:
    run = stage(10)
    script = f"""
import sys
from nightjar.publishing import publish as publications
from nightjar.warehouse.engines import open_warehouse
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings
def hang(*_):
    print("all but the pointer is written", flush=True)
    sys.stdin.readline()
publications.point_to = hang
settings = load_settings()
record = RunFolder.of(settings.lake, {run.publication_id!r}).record()
publications.publish(open_warehouse(settings), record, model_uri="m", mlflow_run_id="m", content_hash="h")
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=variables_of(postgres_settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "all but the pointer is written\n"
        process.send_signal(signal.SIGKILL)
    assert rows(postgres, "select count(*) from recs.recommendations") == [(0,)]
    assert publish(postgres, run) == Published(1, "2026-03-10.1", None, True)
    assert rows(postgres, "select count(*) from recs.recommendations") == [(3,)]


def test_no_statistics_are_taken_of_vectors(
    postgres: PostgresWarehouse, postgres_settings: Settings, stage: Stage
) -> None:
    def columns_with_statistics(schema: str) -> set[str]:
        query = "select attname from pg_stats where tablename like 'item_embeddings_2026%' and schemaname = "
        return {name for (name,) in rows(postgres, f"{query}'{schema}'")}

    run = stage(10)
    folder = RunFolder.of(postgres_settings.lake, run.publication_id).output("item_embeddings")
    items = [{"item_id": item, "embedding": [1.0, 2.0], "bias": 0.5, "source": "trained"} for item in ("i1", "i2")]
    written = pa.Table.from_pylist(items, arrow_schema("item_embeddings"))
    pq.write_table(written, folder / "part-0.parquet")
    postgres.load({table("recs_staging.item_embeddings"): folder}, run.publication_id, run.data_date)
    others = {"publication_id", "data_date", "item_id", "bias", "source"}
    assert columns_with_statistics("recs_staging") == others
    publish(postgres, run)
    assert columns_with_statistics("recs_partitions") == others


def test_staging_again_after_a_crash_or_a_publication_replaces_the_staged_rows_alone(
    postgres: PostgresWarehouse, postgres_settings: Settings, stage: Stage
) -> None:
    run = stage(10)
    publish(postgres, run)
    folder = RunFolder.of(postgres_settings.lake, run.publication_id)
    for _ in range(2):
        postgres.load({table: folder.output(table.name) for table in STAGED}, run.publication_id, run.data_date)
    counts = "select (select count(*) from recs.recommendations), (select count(*) from recs_staging.recommendations)"
    assert rows(postgres, counts) == [(3, 3)]
    assert not publish(postgres, run).previous_publication_id
    assert rows(postgres, "select count(*) from recs.publications") == [(1,)]
