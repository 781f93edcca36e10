"""A server that dies during a run: one line that names it, and the same result once it is back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_warehouse
from tests.support.postgres_server import PostgresServer, running_postgres
from tests.support.refusals import refused
from tests.support.small_runs import insert_events, publish_run, rows_of
from tests.support.warehouse_homes import initialise_template, new_database

pytestmark = pytest.mark.reliability

CURRENT = (
    "select p.publication_id, p.content_hash from recs.current_publication join recs.publications p using (ledger_id)"
)


@pytest.fixture(scope="module")
def mortal_server() -> Iterator[PostgresServer]:
    """A server that no other test needs."""
    with running_postgres() as server:
        initialise_template(server)
        yield server


@pytest.fixture
def on_server(mortal_server: PostgresServer, tmp_path: Path) -> Iterator[Settings]:
    with new_database(mortal_server, tmp_path / "home") as settings:
        open_warehouse(settings).create_tables()
        yield settings


@pytest.mark.parametrize(
    ("module", "failpoint"),
    [
        ("nightjar.warehouse.postgres.adapter", "load:after_table"),
        ("nightjar.publishing.publish", "publish:after_rows"),
        ("nightjar.publishing.publish", "publish:before_commit"),
    ],
)
def test_a_run_whose_database_dies_fails_in_one_line_and_repeated_equals_the_undisturbed_one(
    settings: Settings,
    mortal_server: PostgresServer,
    on_server: Settings,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    failpoint: str,
) -> None:
    # A DuckDB file: the content does not depend on the engine.
    insert_events(settings)
    publish_run(settings, 11)
    [(_, expected)] = rows_of(settings, CURRENT)
    insert_events(on_server)
    publish_run(on_server, 10)
    before = rows_of(on_server, CURRENT)

    def die(reached: str) -> None:
        if reached == failpoint and mortal_server.process.poll() is None:
            mortal_server.kill()

    monkeypatch.setattr(f"{module}.failpoint", die)
    address = {"host": on_server.postgres_host, "port": on_server.postgres_port}
    with refused(NightjarError, "connection_lost", wording=False, **address) as failure:
        publish_run(on_server, 11)
    assert_plain(failure.value)
    with refused(NightjarError, "server_unreachable", wording=False, **address) as failure:
        publish_run(on_server, 11)
    assert_plain(failure.value)
    mortal_server.start()
    assert rows_of(on_server, CURRENT) == before
    monkeypatch.undo()
    publish_run(on_server, 11)
    [(publication_id, digest)] = rows_of(on_server, CURRENT)
    assert (publication_id, digest) == ("2026-03-11.2", expected)
    assert rows_of(on_server, "select distinct publication_id from recs.recommendations order by 1") == [
        ("2026-03-10.1",),
        ("2026-03-11.2",),
    ]


def assert_plain(error: NightjarError) -> None:
    """A retry may help, so it is no bad input; one line, without a password."""
    assert not isinstance(error, BadInput)
    assert "\n" not in str(error)
    assert "nightjar_pipeline" not in str(error)
