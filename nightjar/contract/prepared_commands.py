"""Commands of a run that start in a prepared process: a server does slow starts once, while other tasks work.

`nightjar run` has two servers for as long as a run takes: `nightjar.contract.fork_server`, which imports what the
stages need and forks for each, and `spark_jobs.session_server`, which has a Spark session. Each listens on a socket
that the environment of the run's processes names. Without a server a command starts an interpreter of its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from nightjar.contract.environment import inherited

# Variables of the environment: the path of a server's socket.
FORK_SERVER = "NIGHTJAR_FORK_SERVER"
SPARK_SESSION = "NIGHTJAR_SPARK_SESSION"

# Forks of a process with frameworks of macOS fail.
IS_POSSIBLE = sys.platform == "linux"
_LENGTH_BYTES = 8
# Without it setproctitle writes over the environment that the system shows of a process.
_TITLE_KEEPS_ENVIRONMENT = {"SPT_NOENV": "1"}


class PreparedCommand:
    """A running command of a server; it is ended when the process of this object ends.

    Attributes:
        pid: of its process, which leads a session of its own.
        stdout: what it writes to standard output and standard error.
        returncode: None until `wait` has returned; below 0 the signal that killed it.
    """

    def __init__(self, connection: socket.socket, pid: int, stdout: BinaryIO) -> None:
        self._connection, self.pid, self.stdout = connection, pid, stdout
        self.returncode: int | None = None

    def lines(self) -> Iterator[str]:
        """Yield what it writes line by line, without the ends of the lines."""
        for output in self.stdout:
            yield output.decode("utf-8", errors="backslashreplace").rstrip()

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        if self.returncode is None:
            ended = received(self._connection)
            self._connection.close()
            self.stdout.close()
            # Where the server was killed, so was the command.
            self.returncode = -signal.SIGKILL if ended is None else int(ended["exit_code"])
        return self.returncode


def start(
    server: str, entry: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path | str = "/"
) -> PreparedCommand | None:
    """Start a command by a server of this process's run.

    Args:
        server: `FORK_SERVER` or `SPARK_SESSION`.
        entry: `module:function`, which is called without arguments.
        arguments: `sys.argv` of the command, its name first.
        environment: of the command, whole.
        folder: its working directory.

    Returns:
        None where there is no such server.
    """
    address = inherited(server)
    if not address:
        return None
    connection = socket.socket(socket.AF_UNIX)
    reader, writer = os.pipe()
    started = None
    with suppress(OSError):
        connection.connect(address)
        socket.send_fds(connection, [b"\0"], [writer])
        send(connection, {"entry": entry, "argv": [*arguments], "env": {**environment}, "cwd": str(folder)})
        started = received(connection)
    os.close(writer)
    if started is None:
        os.close(reader)
        connection.close()
        return None
    return PreparedCommand(connection, int(started["pid"]), os.fdopen(reader, "rb"))


class Server:
    """A server of a run. Commands may ask for it before it has started: they wait.

    Args:
        variable: `FORK_SERVER` or `SPARK_SESSION`.
        module: of the server; its arguments are the descriptor of its socket and those that follow.
        arguments: of the server.
        environment: of the server, whole.

    Attributes:
        variables: what the environment of those who use it has to hold.
    """

    def __init__(self, variable: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._module, self._arguments, self._environment = module, arguments, environment
        # Not below a home: the path of a socket has some hundred characters at most.
        self._folder = tempfile.TemporaryDirectory(prefix="nightjar-", ignore_cleanup_errors=True)
        address = str(Path(self._folder.name) / "socket")
        self.variables = {variable: address}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        if self._process is not None:
            # Amid an import it does not see the end of its input, which ends it where this process is killed.
            self._process.terminate()
            with suppress(BrokenPipeError):
                self._process.communicate()
        self._folder.cleanup()

    def start(self, *lines: str) -> None:
        """Start it, unless it has been, and write lines to its standard input."""
        if self._process is None:
            descriptor = self._listener.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self._module, str(descriptor), *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**self._environment, **_TITLE_KEEPS_ENVIRONMENT},
                pass_fds=[descriptor],
                text=True,
            )
            # Nobody waits for a server that has ended.
            self._listener.close()
        assert self._process.stdin is not None  # noqa: S101 by the arguments of Popen
        # Without it commands start interpreters of their own.
        with suppress(BrokenPipeError):
            self._process.stdin.write("".join(f"{line}\n" for line in lines))
            self._process.stdin.flush()


def listening(descriptor: str) -> socket.socket:
    """Return the socket that a server was started with; what it starts does not inherit it."""
    listener = socket.socket(fileno=int(descriptor))
    listener.set_inheritable(False)
    return listener


def accepted(connection: socket.socket) -> tuple[dict[str, Any], int] | None:
    """Return a request and the descriptor for the output of its command; None where the client is gone."""
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    request = received(connection) if descriptors else None
    return None if request is None else (request, descriptors[0])


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send a message."""
    text = json.dumps(message).encode()
    connection.sendall(len(text).to_bytes(_LENGTH_BYTES, "big") + text)


def received(connection: socket.socket) -> dict[str, Any] | None:
    """Return the next message; None where the other side is gone."""
    with suppress(OSError):
        length = int.from_bytes(_read(connection, _LENGTH_BYTES), "big")
        text = _read(connection, length)
        return dict(json.loads(text)) if length and len(text) == length else None
    return None


def _read(connection: socket.socket, size: int) -> bytes:
    # Not a byte more: the next message may have come already.
    text = b""
    while len(text) < size and (more := connection.recv(size - len(text))):
        text += more
    return text
