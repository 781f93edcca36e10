"""Homes in which the real command runs whole runs; what Airflow and dbt prepare is made once and copied."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.environment import child_environment
from nightjar.contract.settings import Settings
from nightjar.stack.prepare_home import prepare_airflow, prepare_data
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse

NIGHTJAR = Path(sys.executable).parent / "nightjar"
# Many times the duration of a run: it only ends a run that hangs.
HANGS_AFTER_SECONDS = 1200
# What another test, or the shell, may have set for a home of its own.
_OTHERS = ("NIGHTJAR_", "AIRFLOW", "DBT_", "MLFLOW_")

SHOP_DATE = "2026-03-31"


@dataclass(frozen=True)
class Home:
    """One NIGHTJAR_HOME and the command that works on it."""

    path: Path

    @property
    def settings(self) -> Settings:
        """Where the home keeps its things."""
        return Settings(home=self.path)

    def nightjar(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a user does, with the given `NIGHTJAR_*` variables and no other."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        process = subprocess.Popen(
            [str(NIGHTJAR), *arguments],
            env={**inherited, **variables, "NIGHTJAR_HOME": str(self.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=HANGS_AFTER_SECONDS)
        except BaseException:
            # Airflow, dbt and Spark run below the command: none of them may outlive it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def run(self, date: str, **variables: str) -> str:
        """Run one run that must succeed and return what it printed."""
        done = self.nightjar("run", "--date", date, **variables)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def rows(self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query on the warehouse."""
        with DuckDBWarehouse(self.settings.warehouse_path).connect(read_only=True) as connection:
            return connection.execute(query, parameters).fetchall()

    def value(self, query: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The one value of a query on the warehouse."""
        [(value,)] = self.rows(query, parameters)
        return value

    def current(self) -> tuple[str, str]:
        """The current publication and a digest of every row that readers see."""
        digest = self.value(
            "select md5(string_agg(shown::varchar, '|' order by user_id, domain, rank))"
            " from recs.recommendations_current as shown"
        )
        return self.value("select publication_id from recs.current_publication"), digest


@dataclass(frozen=True)
class ShopRuns:
    """The demo shop after the same run twice: what each run printed."""

    home: Home
    first: str
    second: str


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Home]:
    """A home of the given name, prepared and without data."""
    template = Settings(home=tmp_path_factory.mktemp("template"))
    prepare_data(template)
    prepare_airflow(child_environment(template), template.airflow_home)

    def copied(name: str) -> Home:
        home = tmp_path_factory.mktemp(name)
        for folder in (template.airflow_home, template.dbt_state):
            # airflow.cfg names the folder it was written for; Airflow writes the new home's own.
            shutil.copytree(folder, home / folder.name, ignore=shutil.ignore_patterns("airflow.cfg", "logs"))
        return Home(home)

    return copied


@pytest.fixture(scope="session")
def shop(new_home: Callable[[str], Home]) -> ShopRuns:
    """The demo shop, its last date run twice; tests must not change it."""
    home = new_home("shop")
    imported = home.nightjar("import", "demo-shop")
    assert imported.returncode == 0, imported.stdout
    return ShopRuns(home, home.run(SHOP_DATE), home.run(SHOP_DATE))
