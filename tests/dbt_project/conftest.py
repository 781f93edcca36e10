"""A small warehouse filled by hand, and dbt run on it in this process.

The project is parsed once: every run reuses the manifest and differs in its variables only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from warehouse.adapters.duckdb import DuckDBWarehouse

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
PUBLICATION = "2026-01-10.1"
ARRIVED = "2026-01-11 06:00:00+00"

EVENTS = [
    ("e1", "u1", "f1", "view", None, "2026-01-08 10:00:00+00"),
    ("e2", "u1", "b1", "rating", 5, "2026-01-09 10:00:00+00"),
    ("e3", "u2", "f2", "purchase", None, "2026-01-10 10:00:00+00"),
    ("e4", "u3", "f1", "dislike", None, "2026-01-10 11:00:00+00"),
    ("e5", "u3", "x1", "poke", None, "2026-01-10 12:00:00+00"),
    ("e6", "u2", "f3", "click", None, "2026-01-11 10:00:00+00"),
]
ITEMS = [
    ("f1", "films", None),
    ("f2", "films", None),
    ("f3", "films", None),
    ("f4", "films", None),
    ("f5", "films", "2026-01-05 00:00:00+00"),
    ("b1", "books", None),
    ("b2", "books", None),
]
RECORDED = "2026-01-01 00:00:00+00"


@dataclass
class Project:
    """The dbt project, parsed; the manifest names the database, so every warehouse file is `warehouse.duckdb`."""

    manifest: Manifest | None
    environment: pytest.MonkeyPatch
    test_queries: dict[str, str] = field(default_factory=dict)

    def dbt(self, warehouse: Path, *arguments: str, **variables: Any) -> Any:
        """Run one dbt command on a warehouse and return its result; the interval is 10 January 2026 unless told."""
        self.environment.setenv("NIGHTJAR_WAREHOUSE", str(warehouse))
        given = {
            "interval_start": "2026-01-10T00:00:00+00:00",
            "interval_end": "2026-01-11T00:00:00+00:00",
            "publication_id": PUBLICATION,
            "top_k": 2,
            **variables,
        }
        folders = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT))
        told = ("--vars", str({name: value for name, value in given.items() if value is not None}))
        done = dbtRunner(self.manifest).invoke(["--quiet", "--no-write-json", *arguments, *folders, *told])
        # dbt keeps the file open for writing as long as its process lives; the tests read it next.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        return done

    def run_facts(self, warehouse: Path, day: str, next_day: str) -> None:
        """Build facts and dimensions for the interval of one day."""
        start, end = f"{day}T00:00:00+00:00", f"{next_day}T00:00:00+00:00"
        done = self.dbt(warehouse, "run", "--select", "+path:models/core", interval_start=start, interval_end=end)
        assert done.success, done.exception

    def failing_rows(self, warehouse: DuckDBWarehouse, statement: str, test: str) -> list[tuple[Any, ...]]:
        """Change a warehouse by one statement, return the rows that one dbt test then finds, and undo the change."""
        query = self.compiled_tests(warehouse)[test]
        with warehouse.connect() as connection:
            connection.begin()
            connection.execute(statement)
            found = connection.execute(query).fetchall()
            connection.rollback()
        return found

    def compiled_tests(self, warehouse: DuckDBWarehouse) -> dict[str, str]:
        """The query of each dbt test by the test's name; it is the same on every warehouse."""
        if not self.test_queries:
            done = self.dbt(warehouse.path, "compile", "--select", "resource_type:test")
            assert done.success, done.exception
            self.test_queries.update({each.node.name: each.node.compiled_code for each in done.result})
        return self.test_queries


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("dbt")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DBT_TARGET_PATH", str(folder / "target"))
        environment.setenv("DBT_LOG_PATH", str(folder / "logs"))
        unparsed = Project(None, environment)
        parsed = unparsed.dbt(folder / "warehouse.duckdb", "parse")
        assert parsed.success, parsed.exception
        assert isinstance(parsed.result, Manifest)
        yield Project(parsed.result, environment)


@pytest.fixture(scope="session")
def rows() -> Callable[[DuckDBWarehouse, str], list[tuple[Any, ...]]]:
    """The rows of one query on a warehouse."""

    def of_query(warehouse: DuckDBWarehouse, query: str) -> list[tuple[Any, ...]]:
        with warehouse.connect(read_only=True) as connection:
            return connection.execute(query).fetchall()

    return of_query


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows given in the order of the table's columns."""
    connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def fill_raw(warehouse: DuckDBWarehouse) -> None:
    """Write the raw rows above: five events until 10 January, one after it, seven items, two of three users."""
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        insert(connection, "raw.interactions", [(*event, ARRIVED) for event in EVENTS])
        insert(connection, "raw.items", [(item, domain, item, None, until, RECORDED) for item, domain, until in ITEMS])
        insert(connection, "raw.users", [(user, None, RECORDED) for user in ("u1", "u2")])


@pytest.fixture
def raw_warehouse(tmp_path: Path) -> DuckDBWarehouse:
    """A warehouse of its own for one test, raw tables filled, dbt not yet run."""
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    fill_raw(warehouse)
    return warehouse


@pytest.fixture(scope="session")
def built_warehouse(project: Project, tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    """The warehouse after `dbt build` without the audit, unit tests included; tests must not change it."""
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("built") / "warehouse.duckdb")
    fill_raw(warehouse)
    done = project.dbt(warehouse.path, "build", "--select", "tag:inputs", "tag:marts")
    assert done.success, [(each.node.name, each.message) for each in done.result if each.status in ("error", "fail")]
    return warehouse
