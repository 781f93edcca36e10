"""A PostgreSQL server for tests, on a free loopback port, from the wheel with its programs."""

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from nightjar.stack.postgres import own_by_system_user, program, system_user

_STARTS_WITHIN_SECONDS = 60


@dataclass
class PostgresServer:
    """Its address, superuser, log file and command."""

    host: str
    port: int
    admin_user: str
    admin_password: str
    log: Path
    command: list[str] = field(default_factory=list, repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, also after a kill, and wait until it responds."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, user=system_user(), cwd="/", stdout=log, stderr=log)
        _wait(self, self.process)

    def kill(self) -> None:
        """Kill it and its sessions, without notice to its clients."""
        assert self.process is not None
        sessions = psutil.Process(self.process.pid).children()
        for each in (self.process, *sessions):
            each.kill()
        self.process.wait()
        psutil.wait_procs(sessions, timeout=_STARTS_WITHIN_SECONDS)

    def stop(self) -> None:
        """End it by its fast shutdown; on TERM it would wait for every client to leave."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, each statement its own transaction."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.admin_user,
            password=self.admin_password,
            dbname=database,
            autocommit=True,
        )

    def create_database(self, name: str) -> str:
        """Create an empty database."""
        with self.connect() as connection:
            connection.execute(f'create database "{name}"')
        return name


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server with an empty data folder; it and its data are gone afterwards."""
    # Started by root, the server runs as another user, who cannot enter pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="nightjar-postgres-"))
    password = secrets.token_urlsafe(16)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = PostgresServer("127.0.0.1", port, "postgres", password, folder / "log")
    password_file = folder / "password"
    password_file.write_text(password)
    own_by_system_user(folder)
    own_by_system_user(password_file)
    data = folder / "data"
    initdb = [program("initdb"), "--auth=scram-sha-256", "--encoding=utf8", "--locale=C.UTF-8", "-U", "postgres"]
    subprocess.run(
        [*initdb, f"--pwfile={password_file}", "-D", str(data)],
        user=system_user(),
        cwd="/",
        check=True,
        capture_output=True,
    )
    values = {
        "listen_addresses": server.host,
        "port": port,
        "unix_socket_directories": folder,
        "max_connections": 100,
        # The data need not survive a crash of the machine.
        "fsync": "off",
    }
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    server.command = [program("postgres"), "-D", str(data), *options]
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while True:
        try:
            server.connect().close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {server.log.read_text()}") from None
            time.sleep(0.1)
