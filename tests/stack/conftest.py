"""One running stack for the whole folder, with a home and ports of its own; it is stopped whatever happens."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import pytest

from ml.stack.places import Places
from ml.stack.processes import stack_processes
from warehouse.settings import Settings


@dataclass(frozen=True)
class RunningStack:
    settings: Settings

    @property
    def places(self) -> Places:
        return Places.of(self.settings)

    @property
    def password(self) -> str:
        found: str = json.loads(self.places.password.read_text())["admin"]
        return found

    def nightjar(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command on this stack's home and ports, as an operator does."""
        variables = {f"NIGHTJAR_{name}": str(getattr(self.settings, name.lower())) for name in VARIABLES}
        return subprocess.run(
            [str(Path(sys.executable).parent / "nightjar"), *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def request(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """Ask Airflow's API; return the status and what the answer holds."""
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
        supervisor = psutil.Process(int(self.places.process_id.read_text()))
        return [supervisor, *supervisor.children(recursive=True)]

    def elsewhere(self, home: Path, **changes: int) -> "RunningStack":
        """The same command with another home, which has no stack yet."""
        return replace(self, settings=self.settings.model_copy(update={"home": home, **changes}))


VARIABLES = ("HOME", "AIRFLOW_PORT", "MLFLOW_PORT")


def free_ports(count: int) -> list[int]:
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind(("127.0.0.1", 0))
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@pytest.fixture(scope="session")
def ports() -> Callable[[int], list[int]]:
    return free_ports


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: started by root, PostgreSQL runs as another user. pytest's own is closed."""
    folder = Path(tempfile.mkdtemp(prefix="nightjar-stack-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(open_folder: Path) -> Iterator[RunningStack]:
    airflow_port, mlflow_port = free_ports(2)
    home = open_folder / "home"
    running = RunningStack(Settings(home=home, airflow_port=airflow_port, mlflow_port=mlflow_port))
    try:
        started = running.nightjar("stack", "up")
        assert started.returncode == 0, started.stdout + started.stderr
        yield running
    finally:
        running.nightjar("stack", "down")
        assert stack_processes(str(home)) == []
