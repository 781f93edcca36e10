"""A process that dies at any failpoint leaves its work to the next one, and readers notice nothing."""

import ast
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb
import pytest

from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from nightjar.contract.tables import SNAPSHOT, STAGED
from nightjar.warehouse.protocol import Warehouse
from tests.support import small_runs
from tests.support.small_runs import FORKS, apply_retention, insert_events, publish_run, rows_of
from tests.support.warehouse_homes import variables_of

pytestmark = pytest.mark.reliability

AFTERWARDS = date(2026, 4, 30)
SEEN = (
    "select c.publication_id, count(*), count(distinct r.user_id), min(r.item_id), max(r.item_id) "
    "from recs.current_publication c join recs.recommendations r using (publication_id) group by 1"
)
CONTENT = (
    "select r.user_id, r.domain, r.rank, r.item_id, r.score from recs.current_publication c "
    "join recs.recommendations r using (publication_id) order by 1, 2, 3"
)


def failpoint_names() -> set[str]:
    """The names of all failpoints, read from the code."""
    return {
        call.args[0].value
        for package in ("nightjar", "ml")
        for path in (REPOSITORY / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "failpoint" and call.args
    }


FAILPOINTS = sorted(failpoint_names())
ROLL_BACK = [failpoint for failpoint in FAILPOINTS if failpoint.startswith("roll_back:")]
RETENTION = [failpoint for failpoint in FAILPOINTS if failpoint.startswith("retention:")]
READERS = [failpoint for failpoint in FAILPOINTS if failpoint.startswith("readers_snapshot:")] + [
    "readers_snapshot:after_table#3"
]
# In the middle: the third table, the fourth verdict, an index and an output after the model.
MIDDLE = ["load:after_table#3", "gates:after_verdict#4", "write_folder:before_rename#2", "write_folder:before_rename#5"]
PUBLISHING = [p for p in FAILPOINTS if p not in (*ROLL_BACK, *RETENTION, *READERS, "write_file:before_rename")] + MIDDLE


def run_program(settings: Settings, *arguments: str, killed_at: str = "") -> int:
    process = FORKS.Process(target=small_runs.run, args=(arguments, variables_of(settings), killed_at))
    process.start()
    process.join(300)
    assert process.exitcode in (0, -9)
    return process.exitcode


@contextmanager
def reader(settings: Settings) -> Iterator[set[tuple]]:
    """Read the current publication continuously, in another process than the killed one."""
    seen, failures, is_over = set(), [], threading.Event()

    def poll() -> None:
        while not is_over.is_set():
            try:
                seen.update(rows_of(settings, SEEN) or [("nothing",)])
            except Exception as error:
                failures.append(error)
            time.sleep(0.01)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
    assert failures == []


def assert_no_remains(settings: Settings) -> None:
    apply_retention(settings, AFTERWARDS)
    published = {row[0] for row in rows_of(settings, "select publication_id from recs.publications")}
    folders = {path.name.partition("=")[2] for path in (settings.lake / "runs").glob("*/publication_id=*")}
    assert folders <= published
    assert list(settings.lake.rglob("*.aside")) == []
    for table in (*STAGED, *SNAPSHOT):
        assert rows_of(settings, f"select count(*) from {table.full_name}") == [(0,)]
    stored = {row[0] for row in rows_of(settings, "select distinct publication_id from recs.recommendations")}
    assert stored <= published


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[tuple]]:
    settings = Settings(home=tmp_path_factory.mktemp("undisturbed"))
    insert_events(settings)
    publish_run(settings, 10)
    publish_run(settings, 11)
    [(digest,)] = rows_of(settings, "select content_hash from recs.publications where data_date = '2026-03-11'")
    return digest, rows_of(settings, CONTENT)


def test_every_failpoint_is_tested() -> None:
    # The snapshot is unloaded by dbt's models, which these runs do without.
    assert set(FAILPOINTS) - {p.partition("#")[0] for p in (*PUBLISHING, *ROLL_BACK, *RETENTION, *READERS)} == {
        "write_file:before_rename"
    }
    assert len(FAILPOINTS) >= 20


@pytest.mark.parametrize("failpoint", PUBLISHING)
def test_a_killed_run_repeated_publishes_the_content_of_an_undisturbed_one(
    settings: Settings, warehouse: Warehouse, undisturbed: tuple[str, list[tuple]], failpoint: str
) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    with reader(settings) as seen:
        assert run_program(settings, "publish_run", "11", killed_at=failpoint) == -9
        assert run_program(settings, "publish_run", "11") == 0
    possible = {(f"2026-03-{day}.{n}", day, day, f"i{day}", f"i{day}") for day in (10, 11) for n in (1, 2)}
    assert seen <= possible
    digest, content = undisturbed
    [(current_digest,)] = rows_of(
        settings,
        "select p.content_hash from recs.current_publication join recs.publications p using (ledger_id)",
    )
    assert (current_digest, rows_of(settings, CONTENT)) == (digest, content)
    assert_no_remains(settings)


@pytest.mark.parametrize("failpoint", ROLL_BACK)
def test_a_killed_rollback_run_again_is_one_rollback(settings: Settings, warehouse: Warehouse, failpoint: str) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    publish_run(settings, 11)
    with reader(settings) as seen:
        assert run_program(settings, "roll_back", "2026-03-10.1", killed_at=failpoint) == -9
        assert run_program(settings, "roll_back", "2026-03-10.1") == 0
    assert seen <= {(f"2026-03-{day}.1", day, day, f"i{day}", f"i{day}") for day in (10, 11)}
    assert rows_of(settings, "select publication_id, ledger_id from recs.current_publication") == [("2026-03-10.1", 3)]
    assert rows_of(settings, "select count(*) from recs.publications") == [(3,)]


@pytest.mark.parametrize("failpoint", RETENTION)
def test_a_killed_clean_up_repeated_removes_everything_old(
    settings: Settings, warehouse: Warehouse, failpoint: str
) -> None:
    insert_events(settings)
    for day in (9, 10, 10, 11):
        publish_run(settings, day)
    with reader(settings) as seen:
        assert run_program(settings, "retention", str(AFTERWARDS), killed_at=failpoint) == -9
        assert run_program(settings, "retention", str(AFTERWARDS)) == 0
    assert seen == {("2026-03-11.1", 11, 11, "i11", "i11")}
    assert_no_remains(settings)


@pytest.mark.parametrize("failpoint", READERS)
def test_a_killed_snapshot_leaves_the_whole_old_one_or_the_whole_new_one(settings: Settings, failpoint: str) -> None:
    insert_events(settings)
    publish_run(settings, 10)
    assert run_program(settings, "snapshot", "-") == 0
    publish_run(settings, 11)
    assert run_program(settings, "snapshot", "-", killed_at=failpoint) == -9
    old, new = [(f"2026-03-{day}.1", day, day, f"i{day}", f"i{day}") for day in (10, 11)]
    assert read_snapshot(settings) == (new if failpoint == "readers_snapshot:after_rename" else old)
    assert run_program(settings, "snapshot", "-") == 0
    assert read_snapshot(settings) == new
    assert {path.name for path in settings.home.glob("*published.duckdb*")} == {
        "published.duckdb",
        ".published.duckdb.lock",
    }


def read_snapshot(settings: Settings) -> tuple:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        [row] = connection.execute(SEEN).fetchall()
        assert connection.execute("select publication_id from recs.readers_snapshot").fetchall() == [row[:1]]
    return row
