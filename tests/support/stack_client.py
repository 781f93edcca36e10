"""Clients of one running stack: the command, Airflow's API and its tables."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import psycopg2

from nightjar.contract.settings import Settings
from nightjar.stack.credentials import load_credentials
from nightjar.stack.paths import StackPaths
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse

# Many times the usual duration: these only end what hangs.
COMMAND_SECONDS = 500
RUN_SECONDS = 900

Result = TypeVar("Found")


def wait_for(poll: Callable[[], Result | None], what: str, seconds: float) -> Result:
    """Poll until the result is not None; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while (result := poll()) is None:
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(1)
    return result


@dataclass(frozen=True)
class RunningStack:
    """One stack: its settings, and variables of the environment beyond them."""

    settings: Settings
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> StackPaths:
        return StackPaths.of(self.settings)

    @property
    def password(self) -> str:
        result: str = json.loads(self.paths.password.read_text())["admin"]
        return result

    def nightjar(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command on this stack's home and ports, as an operator does."""
        changed = {name: str(value) for name, value in self.settings if name in self.settings.model_fields_set}
        return subprocess.run(
            [str(Path(sys.executable).parent / "nightjar"), *arguments],
            env={**os.environ, **self.variables, **{f"NIGHTJAR_{name.upper()}": changed[name] for name in changed}},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def request(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """Send a request to Airflow's API; return the status and the body."""
        request = Request(
            f"http://127.0.0.1:{self.settings.airflow_port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
        )
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except HTTPError as refused:
            return refused.code, refused.read().decode()

    def login(self) -> str:
        """Return a token for the API."""
        status, answer = self.request("POST", "/auth/token", {"username": "admin", "password": self.password})
        assert status == 201, answer
        token: str = answer["access_token"]
        return token

    def processes(self) -> list[psutil.Process]:
        """The processes of the supervisor and below it."""
        supervisor = psutil.Process(int(self.paths.process_id.read_text()))
        children = supervisor.children(recursive=True)
        # A zombie has no command line.
        return [supervisor, *(each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE)]

    def elsewhere(self, home: Path, **changes: int) -> "RunningStack":
        """The same command with another home, which has no stack yet."""
        return replace(self, settings=self.settings.model_copy(update={"home": home, **changes}))

    def in_airflow(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement in Airflow's own database; return its rows."""
        connection = psycopg2.connect(
            host=str(self.paths.database_socket_folder),
            user="airflow",
            password=load_credentials(self.paths).database_password,
            dbname="airflow",
        )
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of one query on the warehouse, read beside whatever runs."""
        with DuckDBWarehouse(self.settings.warehouse_path).connect(read_only=True) as connection:
            return connection.execute(query).fetchall()


@dataclass(frozen=True)
class NightlyDag:
    """The DAG `nightly_recommendations` of one stack, through Airflow's API."""

    stack: RunningStack

    @cached_property
    def token(self) -> str:
        return self.stack.login()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a request to the API that must succeed; `path` is relative to its root."""
        status, answer = self.stack.request(method, f"/api/v2/{path}", body, self.token)
        assert status in (200, 201), answer
        return answer

    def set_active(self, on: bool) -> None:
        """Unpause the DAG, or pause it."""
        self.call("PATCH", "dags/nightly_recommendations", {"is_paused": not on})

    def start(self, day: date, run_id: str, **conf: Any) -> None:
        """Start a single run of one date by its logical date."""
        body = {"dag_run_id": run_id, "logical_date": f"{day.isoformat()}T00:00:00Z", "conf": conf}
        self.call("POST", "dags/nightly_recommendations/dagRuns", body)

    def clear_run(self, day: date) -> None:
        """Clear the run of one date."""
        self.call("POST", f"{self._run(day)}/clear", {"dry_run": False})

    def backfill(self, first: date, last: date, **options: Any) -> int:
        """Start a backfill of the dates from `first` to `last`; return its number."""
        body = {
            "dag_id": "nightly_recommendations",
            "from_date": f"{first.isoformat()}T00:00:00Z",
            "to_date": f"{last.isoformat()}T00:00:00Z",
            **options,
        }
        number: int = self.call("POST", "backfills", body)["id"]
        return number

    def wait_for_backfill(self, number: int, seconds: float) -> None:
        """Wait until a backfill has ended, however its runs ended."""
        wait_for(lambda: self.call("GET", f"backfills/{number}")["completed_at"], f"backfill {number}", seconds)

    def runs(self) -> dict[date, dict[str, Any]]:
        """The newest run of each data date."""
        runs = self.call("GET", "dags/nightly_recommendations/dagRuns?limit=100&order_by=id")["dag_runs"]
        return {date.fromisoformat(run["data_interval_start"][:10]): run for run in runs}

    def wait_for_run(self, day: date, seconds: float = RUN_SECONDS) -> dict[str, Any]:
        """Wait until the run of one date has ended, and return it."""

        def ended() -> dict[str, Any] | None:
            run = self.runs().get(day)
            return run if run and run["state"] in ("success", "failed") else None

        return wait_for(ended, f"the run of {day}", seconds)

    def tasks(self, day: date) -> dict[str, dict[str, Any]]:
        """The tasks of the run of one date."""
        path = f"{self._run(day)}/taskInstances?limit=200"
        return {task["task_id"]: task for task in self.call("GET", path)["task_instances"]}

    def asset_events(self, name: str) -> int:
        """The number of events of an asset."""
        events = self.call("GET", "assets/events?limit=1000")["asset_events"]
        return sum(event["name"] == name for event in events)

    def _run(self, day: date) -> str:
        return f"dags/nightly_recommendations/dagRuns/{quote(self.runs()[day]['dag_run_id'])}"
