"""One running stack for the whole folder, with its own home and ports; it is always stopped."""

import json
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from nightjar.stack.processes import stack_processes
from tests.support.stack_client import NightlyDag, RunningStack


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
def alerts(open_folder: Path) -> Path:
    """The file to which the stack's notifier appends its alerts, one JSON object a line."""
    return open_folder / "told.jsonl"


@pytest.fixture(scope="session")
def stack(open_folder: Path, alerts: Path) -> Iterator[RunningStack]:
    airflow_port, mlflow_port = free_ports(2)
    settings = Settings(
        home=open_folder / "home",
        airflow_port=airflow_port,
        mlflow_port=mlflow_port,
        # Short runs: the tests are about scheduling and outcomes.
        epochs=5,
        embedding_dim=16,
        # A model of so few events cannot beat popularity.
        gate_popularity_margin=0.0,
        gate_champion_tolerance=1.0,
        gate_record_tolerance=1.0,
        # No run takes so long: a test makes one late.
        deadline_minutes=60,
        failure_notifier="tests.support.recording_notifier.RecordingNotifier",
        failure_notifier_arguments=json.dumps({"path": str(alerts)}),
    )
    running = RunningStack(settings, {"PYTHONPATH": str(REPOSITORY)})
    try:
        started = running.nightjar("stack", "up")
        assert started.returncode == 0, started.stdout + started.stderr
        yield running
    finally:
        running.nightjar("stack", "down")
        assert stack_processes(str(settings.home)) == []


@pytest.fixture(scope="module")
def dag(stack: RunningStack) -> Iterator[NightlyDag]:
    """The DAG, active, with sixty users' events of the month that ends on 2026-03-31."""
    imported = stack.nightjar(
        *("import", "demo-shop", "--last-date", "2026-03-31", "--users", "60", "--items", "40", "--days", "30")
    )
    assert imported.returncode == 0, imported.stdout
    dag = NightlyDag(stack)
    dag.set_active(True)
    yield dag
    dag.set_active(False)
