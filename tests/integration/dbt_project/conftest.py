"""A small warehouse filled by hand, on each engine, and dbt run on it in this process.

The project is parsed once an engine: every run reuses the manifest and differs in its variables only.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from tests.support.handmade_warehouses import DuckDBFiles, HandmadeWarehouse, PostgresDatabases
from tests.support.two_publications import publish_twice

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
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
    """The dbt project, parsed for one engine."""

    manifest: Manifest | None
    environment: pytest.MonkeyPatch
    test_queries: dict[str, str] = field(default_factory=dict)

    def dbt(self, warehouse: HandmadeWarehouse, *arguments: str, **variables: Any) -> Any:
        """Run one dbt command on a warehouse and return its result; by default for the interval of 10 January 2026."""
        for name, value in warehouse.environment.items():
            self.environment.setenv(name, value)
        if self.manifest:
            lead_to(self.manifest, warehouse.database)
        given = {
            "interval_start": "2026-01-10T00:00:00+00:00",
            "interval_end": "2026-01-11T00:00:00+00:00",
            "publication_id": PUBLICATION,
            "top_k": 2,
            **variables,
        }
        folders = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", warehouse.engine)
        options = ("--vars", json.dumps({name: value for name, value in given.items() if value is not None}))
        done = dbtRunner(self.manifest).invoke(["--quiet", "--no-write-json", *arguments, *folders, *options])
        # dbt keeps the file open for writing as long as its process lives; the tests read it next.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        return done

    def run_facts(self, warehouse: HandmadeWarehouse, day: str, next_day: str) -> None:
        """Build facts and dimensions for the interval of one day."""
        start, end = f"{day}T00:00:00+00:00", f"{next_day}T00:00:00+00:00"
        done = self.dbt(warehouse, "run", "--select", "+path:models/core", interval_start=start, interval_end=end)
        assert done.success, done.exception

    def failing_rows(self, warehouse: HandmadeWarehouse, statement: str, test: str) -> list[tuple[Any, ...]]:
        """Change a warehouse by one statement, return the rows that one dbt test then finds, and undo the change."""
        return warehouse.rows(self.compiled_tests(warehouse)[test], statement)

    def compiled_tests(self, warehouse: HandmadeWarehouse) -> dict[str, str]:
        """The query of each dbt test by its name; without the database's name it is the same on every warehouse."""
        if not self.test_queries:
            done = self.dbt(warehouse, "compile", "--select", "resource_type:test")
            assert done.success, done.exception
            compiled = {each.node.name: each.node.compiled_code for each in done.result}
            self.test_queries.update(
                {name: query.replace(f'"{warehouse.database}".', "") for name, query in compiled.items()}
            )
        return self.test_queries


def lead_to(manifest: Manifest, database: str) -> None:
    """Let a manifest, which names the database of every relation, speak of another one."""
    for each in (*manifest.nodes.values(), *manifest.sources.values()):
        if each.database != database and getattr(each, "relation_name", None):
            each.relation_name = each.relation_name.replace(f'"{each.database}"', f'"{database}"')
        each.database = database


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What makes warehouses of one engine."""
    if request.param == "duckdb":
        return DuckDBFiles(tmp_path_factory.mktemp("duckdb"))
    return PostgresDatabases(request.getfixturevalue("postgres_server"))


@pytest.fixture(scope="session")
def project(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("dbt")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DBT_TARGET_PATH", str(folder / "target"))
        environment.setenv("DBT_LOG_PATH", str(folder / "logs"))
        parsed = Project(None, environment).dbt(engine.empty(), "parse")
        assert parsed.success, parsed.exception
        assert isinstance(parsed.result, Manifest)
        yield Project(parsed.result, environment)


def fill_raw(warehouse: HandmadeWarehouse) -> None:
    """Write the raw rows above: five events until 10 January, one after it, seven items, two of three users."""
    warehouse.insert("raw.interactions", [(*event, ARRIVED) for event in EVENTS])
    warehouse.insert("raw.items", [(item, domain, item, None, until, RECORDED) for item, domain, until in ITEMS])
    warehouse.insert("raw.users", [(user, None, RECORDED) for user in ("u1", "u2")])


@pytest.fixture
def raw_warehouse(engine: Any) -> HandmadeWarehouse:
    """A warehouse of its own for one test, raw tables filled, dbt not yet run."""
    warehouse = engine.empty()
    fill_raw(warehouse)
    return warehouse


@pytest.fixture(scope="session")
def built_warehouse(project: Project, engine: Any) -> HandmadeWarehouse:
    """The warehouse after `dbt build` without the audit, unit tests included; tests must not change it."""
    warehouse = engine.empty()
    fill_raw(warehouse)
    done = project.dbt(warehouse, "build", "--select", "tag:inputs", "tag:marts")
    assert done.success, [(each.node.name, each.message) for each in done.result if each.status in ("error", "fail")]
    return warehouse


@pytest.fixture(scope="session")
def published(project: Project, engine: Any, built_warehouse: HandmadeWarehouse) -> HandmadeWarehouse:
    """The warehouse after two publications, facts and marts built again; tests must not change it."""
    warehouse: HandmadeWarehouse = engine.copy(built_warehouse)
    publish_twice(warehouse)
    project.run_facts(warehouse, "2026-01-12", "2026-01-13")
    done = project.dbt(warehouse, "build", "--select", "tag:marts")
    assert done.success, [(each.node.name, each.message) for each in done.result if each.status != "pass"]
    return warehouse
