"""A standalone Spark cluster for tests, from pyspark's classes: a master and workers of one core each."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import psutil

_LOOPBACK = "127.0.0.1"
_WITHIN_SECONDS = 120
_CLASSES = "org.apache.spark.deploy"
# The last names the kernels of the matrix products, and with them the last bits of every score.
_INHERITED = ("PATH", "HOME", "JAVA_HOME", "LANG", "TMPDIR", "OPENBLAS_CORETYPE")


@dataclass
class SparkCluster:
    """Where the master listens, and the processes of the workers."""

    folder: Path
    port: int
    web_port: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What `NIGHTJAR_SPARK_MASTER` is set to."""
        return f"spark://{_LOOPBACK}:{self.port}"

    def state(self) -> dict[str, Any]:
        """The state of the master, its workers and applications; empty while it does not respond."""
        try:
            with build_opener(ProxyHandler({})).open(f"http://{_LOOPBACK}:{self.web_port}/json/", timeout=5) as answer:
                state: dict[str, Any] = json.loads(answer.read())
        except (URLError, OSError, ValueError):
            # While the server starts, the page is no JSON.
            return {}
        return state

    def start_master(self) -> subprocess.Popen[bytes]:
        """Start the master alone."""
        ports = ["--port", str(self.port), "--webui-port", str(self.web_port)]
        return _spawn(self.folder, f"{_CLASSES}.master.Master", "--host", _LOOPBACK, *ports)

    def have_workers(self, count: int) -> None:
        """Start the workers that are missing and wait until the master counts that many, all of them free."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < count:
            folder = Path(tempfile.mkdtemp(prefix="worker-", dir=self.folder))
            size = ["--cores", "1", "--memory", "1g"]
            places = ["--host", _LOOPBACK, "--port", "0", "--webui-port", "0", "--work-dir", str(folder)]
            self.workers.append(_spawn(folder, f"{_CLASSES}.worker.Worker", *size, *places, self.url))

        def all_free() -> bool:
            alive = [each for each in self.state().get("workers", ()) if each["state"] == "ALIVE"]
            return len(alive) == count and not any(each["coresused"] for each in alive)

        wait_for(all_free, f"{count} free workers, the logs are in {self.folder}")

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker, its executor and its Python processes, and wait until the master has noticed."""
        count = self.state()["aliveworkers"]
        kill_tree(worker.pid)
        worker.wait()
        wait_for(lambda: self.state().get("aliveworkers") == count - 1, "a master that notices the lost worker")

    def executor(self, worker: subprocess.Popen[bytes]) -> psutil.Process | None:
        """The executor that a worker runs, if it runs one."""
        found = [each for each in below(worker.pid) if "CoarseGrainedExecutorBackend" in " ".join(_command(each))]
        return found[0] if found else None


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition is true; fail after the deadline."""
    deadline = time.monotonic() + _WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {_WITHIN_SECONDS} s: {what}")
        time.sleep(0.05)


def below(pid: int) -> list[psutil.Process]:
    """All processes below one, children first; empty when it has gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_tree(pid: int) -> None:
    """Kill a process and all below it, with SIGKILL."""
    for process in [*below(pid), *([psutil.Process(pid)] if psutil.pid_exists(pid) else [])]:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue


@contextmanager
def running_cluster(workers: int = 2) -> Iterator[SparkCluster]:
    """Run a master and its workers; they, their executors and their files are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="nightjar-spark-"))
    cluster = SparkCluster(folder, *_free_ports(2))
    master = cluster.start_master()
    try:
        wait_for(lambda: cluster.state().get("status") == "ALIVE", f"a living master, its log is in {folder}")
        cluster.have_workers(workers)
        yield cluster
    finally:
        for process in (*cluster.workers, master):
            kill_tree(process.pid)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _spawn(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    program = Path(spec.submodule_search_locations[0]) / "bin" / "spark-class"
    # A worker of a team's cluster does not know the home whose jobs it runs.
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment = {
        **inherited,
        "SPARK_LOCAL_IP": _LOOPBACK,
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
    }
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([str(program), *command], env=environment, cwd=folder, stdout=log, stderr=log)


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server((_LOOPBACK, 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
