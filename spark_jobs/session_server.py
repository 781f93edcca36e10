"""A server with a Spark session for all jobs of a run without a scheduler: `nightjar.contract.prepared_commands`.

`python -m spark_jobs.session_server DESCRIPTOR HOME`; `PYSPARK_SUBMIT_ARGS` has the options of Spark. A session of its
own costs each job some ten seconds, and a JVM that has run one job runs the next in half the time.
"""

import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from setproctitle import setproctitle

from nightjar.contract.errors import BadInput
from nightjar.contract.prepared_commands import accepted, listening, send
from spark_jobs import entry_point

_ENDED = b"\0ended\0\n"


def main(descriptor: str, home: str) -> None:
    """Run one job after the other until standard input ends, a job fails, or its client ends while it runs.

    Args:
        descriptor: of the socket.
        home: of the run, for those who list processes.
    """
    setproctitle(f"nightjar spark session of {home}")
    # The JVM with it: a job is stopped by a signal to both.
    os.setsid()
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    output = _Output()
    listener = listening(descriptor)
    entry_point.keep_session()
    while True:
        connection, _ = listener.accept()
        with connection:
            request = accepted(connection)
            if request is not None:
                send(connection, {"pid": os.getpid()})
                with _exiting_with(connection):
                    exit_code = _run(*request, output)
                send(connection, {"exit_code": exit_code})
                if exit_code not in (0, BadInput.exit_code):
                    # The JVM may be broken, or gone: a retry has one of its own.
                    return


def _run(request: dict[str, Any], descriptor: int, output: "_Output") -> int:
    module, _, function = request["entry"].partition(":")
    sys.argv = list(request["argv"])
    with output.to(descriptor):
        try:
            return int(getattr(import_module(module), function)())
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else 1
        except Exception:
            traceback.print_exc()
            return 1


class _Output:
    """Standard output and standard error of this process and of its JVM, passed on to the client of the running job."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        for number in (1, 2):
            os.dup2(writer, number)
        os.close(writer)
        self._lines = os.fdopen(reader, "rb")
        self._descriptor: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._pass_on, daemon=True).start()

    @contextmanager
    def to(self, descriptor: int) -> Iterator[None]:
        """Pass on what is written while the body runs, whole; then close the descriptor."""
        self._descriptor = descriptor
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            self._ended.clear()
            os.write(1, _ENDED)
            self._ended.wait()
            os.close(descriptor)

    def _pass_on(self) -> None:
        for line in self._lines:
            is_end = line.endswith(_ENDED)
            # Whoever has stopped to read stops the job by the end of its connection.
            with suppress(OSError):
                if self._descriptor is not None:
                    os.write(self._descriptor, line.removesuffix(_ENDED))
            if is_end:
                self._descriptor = None
                self._ended.set()


@contextmanager
def _exiting_with(connection: socket.socket) -> Iterator[None]:
    """End this process and its JVM where the other side is gone while the body runs."""
    is_over = threading.Event()

    def watch() -> None:
        select.select([connection], [], [])
        if not is_over.is_set():
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _exit_at_end_of_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
