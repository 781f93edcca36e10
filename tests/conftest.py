"""Fixtures of all tests: a home for each test, and publications inserted by hand."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import hypothesis
import pytest

from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.contract.tables import OUTPUTS, STAGED, table
from nightjar.publishing.integrity import record_row_counts
from nightjar.publishing.ledger import add_entry, current_publication, point_to
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Connection, Warehouse
from tests.support.golden import hold_wording
from tests.support.guards import remove_the_guard_of_the_environment
from tests.support.insert_rows import lay_row
from tests.support.postgres_server import PostgresServer, running_postgres
from tests.support.spark_cluster import SparkCluster, running_cluster
from tests.support.warehouse_homes import initialise_template, new_database
from tests.support.xdist_groups import GroupByFixtures

pytest_plugins = ["tests.support.planted_runs", "tests.support.import_fixtures", "tests.support.explorer_fixtures"]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_VALUES: dict[str, Any] = {
    **dict.fromkeys(("integer", "bigint", "double", "real"), 1),
    "text": "x",
    "date": date(2026, 1, 1),
    "timestamptz": LONG_AGO,
    "real[]": [1.0],
}
# An example may wait for another test process: that is no failure.
hypothesis.settings.register_profile("without a clock", deadline=None)
hypothesis.settings.load_profile("without a clock")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses a warehouse on every engine."""
    if {"warehouse", "engine"} <= set(metafunc.fixturenames):
        metafunc.parametrize("engine", ["duckdb", "postgres"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder; a test on PostgreSQL is no unit test in any folder."""
    for item in items:
        folder = item.path.relative_to(REPOSITORY).parts[:2]
        kind = folder[1] if folder[0] == "tests" and folder[1] in ("integration", "end_to_end") else ""
        kind = kind or ("" if folder[0] == "tests" and folder[1] != "unit" else "unit")
        if item.get_closest_marker("integration"):
            continue
        callspec = getattr(item, "callspec", None)
        if kind == "unit" and callspec is not None and callspec.params.get("engine") == "postgres":
            kind = "integration"
        if kind:
            item.add_marker(kind)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupByFixtures:
    """Distribute the tests to the processes of `make test`."""
    return GroupByFixtures(config, log)


def pytest_collection_finish() -> None:
    """Remove the guard that `make test-guards` names, after all imports."""
    remove_the_guard_of_the_environment()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold the wording of unit tests alone."""
    hold_wording(is_unit=item.get_closest_marker("unit") is not None)


@pytest.fixture
def engine() -> str:
    """The warehouse's engine of tests without a warehouse."""
    return "duckdb"


@pytest.fixture
def settings(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """A home of the test's own, with an empty warehouse."""
    if engine == "postgres":
        with new_database(request.getfixturevalue("initialised_server"), tmp_path / "home") as settings:
            yield settings
        return
    yield Settings.model_validate({"home": tmp_path / "home", "warehouse_engine": engine})


@pytest.fixture(scope="session")
def empty_warehouse_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the tables of a new warehouse: a copy takes a tenth of the time."""
    template = Settings(home=tmp_path_factory.mktemp("empty"), warehouse_engine="duckdb")
    open_warehouse(template).create_tables()
    return template.warehouse_path


@pytest.fixture
def warehouse(settings: Settings, empty_warehouse_file: Path) -> Warehouse:
    """The warehouse of the test's home; a test that uses it runs on every engine."""
    opened = open_warehouse(settings)
    if settings.warehouse_engine == "duckdb":
        settings.home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(empty_warehouse_file, settings.warehouse_path)
    else:
        opened.create_tables()
    return opened


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} with the public data sets is not there")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for all tests of a session; each test creates its own databases."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def initialised_server(postgres_server: PostgresServer) -> PostgresServer:
    """The server of the session, with an initialised database to copy: see `warehouse_homes.new_database`."""
    initialise_template(postgres_server)
    return postgres_server


@pytest.fixture(scope="session")
def spark_cluster() -> Iterator[SparkCluster]:
    """One Spark master and two workers for all tests of a session; a test that kills one starts another."""
    with running_cluster() as cluster:
        yield cluster


def _insert_row(connection: Connection, full_name: str, **given: Any) -> None:
    """Insert one row; other columns hold some value of their type."""
    row = {column.name: _VALUES[column.type] for column in table(full_name).columns} | given
    lay_row(connection, full_name, row)


@pytest.fixture(scope="session")
def insert() -> Callable[..., None]:
    """`insert(connection, full_name, column=value)`: insert a row with some value in the other columns."""
    return _insert_row


def _write_files(folder: RunFolder) -> None:
    """Write one file of ten bytes into each folder of a run, and an index with its manifest."""
    for path in (folder.snapshot("items"), folder.features("seen"), folder.output("recommendations"), folder.model):
        (path / "part").mkdir(parents=True)
        (path / "part" / "file").write_bytes(b"0123456789")
    index = folder.index("retrieval")
    index.mkdir(parents=True)
    (index / "index.bin").write_bytes(b"0123456789")
    digest = hashlib.sha256(b"0123456789").hexdigest()
    (index / "manifest.json").write_text(json.dumps({"sha256": {"index.bin": digest}}))


def insert_publication(
    settings: Settings,
    publication_id: str,
    action: str | None = "published",
    *,
    started_at: datetime = LONG_AGO,
    uri: Path | None = None,
    mlflow_run_id: str = "none",
    model_uri: str = "models:/nightjar/1",
) -> RunFolder:
    """Insert one publication by hand; `action` is published, history or None for an attempt with staged rows only."""
    day, _, number = publication_id.partition(".")
    ids: dict[str, Any] = {"publication_id": publication_id, "data_date": date.fromisoformat(day)}
    folder = RunFolder.of(settings.lake, publication_id)
    _write_files(folder)
    with open_warehouse(settings).transaction() as connection:
        attempt = {**ids, "attempt": int(number), "started_at": started_at}
        _insert_row(connection, "recs.publication_attempts", **attempt)
        address = {"index_manifest": {"uri": str(uri or folder.index("retrieval"))}}
        for each in OUTPUTS if action else STAGED:
            _insert_row(connection, each.full_name, **ids, **address.get(each.name, {}))
        if action is None:
            return folder
        record_row_counts(connection, cast(RunRecord, SimpleNamespace(**ids)))
        current = current_publication(connection)
        entry = add_entry(
            connection,
            **ids,
            as_of=LONG_AGO,
            action=action,
            previous_publication_id=current[0] if current else None,
            model_uri=model_uri,
            mlflow_run_id=mlflow_run_id,
            content_hash="h",
            recommendation_rows=1,
            code_version="v",
            actor="a",
            reason="r",
        )
        if action == "published":
            point_to(connection, publication_id, ids["data_date"], entry)
    return folder


@pytest.fixture(scope="session")
def lay_in() -> Callable[..., RunFolder]:
    """`lay_in(settings, publication_id, action)`: rows in every table and files in every folder, no stage run."""
    return insert_publication


@pytest.fixture
def lay(settings: Settings, warehouse: Warehouse) -> Callable[..., RunFolder]:
    """`lay(publication_id, action)`, in the home of the test."""
    return partial(insert_publication, settings)
