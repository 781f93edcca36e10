"""An MLflow server for tests: its tables in PostgreSQL, its artifacts in a folder that clients cannot access."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.support.postgres_server import PostgresServer

_STARTS_WITHIN_SECONDS = 180


@dataclass
class MlflowServer:
    """Where it listens, what it runs with, and the folder of its artifacts and its log."""

    address: str
    command: list[str]
    environment: dict[str, str] = field(repr=False)
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, also after a kill, and wait until it responds."""
        log = self.folder / "mlflow.log"
        with log.open("a") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _wait(self.address, self.process, log)

    def kill(self) -> None:
        """Kill all its processes, if it runs."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_mlflow(server: PostgresServer, port: int, folder: Path) -> Iterator[MlflowServer]:
    """Run a server on a loopback port. Its artifacts lie in `folder / artifacts`."""
    database = server.create_database(f"mlflow_{port}")
    store = f"postgresql://{server.admin_user}:{server.admin_password}@{server.host}:{server.port}/{database}"
    command = [
        *(str(Path(sys.executable).parent / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--artifacts-destination", str(folder / "artifacts")),
    ]
    # The password stands in the environment, which no process list shows.
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": store, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    mlflow = MlflowServer(f"http://127.0.0.1:{port}", command, environment, folder)
    try:
        mlflow.start()
        yield mlflow
    finally:
        mlflow.kill()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while True:
        try:
            with build_opener(ProxyHandler({})).open(f"{address}/health", timeout=5):
                return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MLflow did not start: {log.read_text()[-3000:]}") from None
            time.sleep(0.2)
