"""A server that imports modules once, and forks a process for each command: `nightjar.contract.prepared_commands`.

`python -m nightjar.contract.fork_server DESCRIPTOR`; each line of its standard input names a module. Each command has a
process, a session and an environment of its own, as one that is started with an interpreter of its own; those take
seconds to import.
"""

import atexit
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from setproctitle import setproctitle

from nightjar.contract.prepared_commands import accepted, listening, send


def main(descriptor: str) -> None:
    """Serve until standard input ends; in a forked process run its command instead.

    Args:
        descriptor: of the socket.
    """
    setproctitle("nightjar fork server")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    command = _next_command(listening(descriptor))
    if command is not None:
        module, _, function = command.partition(":")
        os._exit(_ended(lambda: getattr(import_module(module), function)()))


def _ended(command: Callable[[], object]) -> int:
    """Run a command and what libraries have registered for its end, as an interpreter does; return the exit code.

    An interpreter then takes apart every module, which takes a second for those of a stage.
    """
    exit_code = 0
    try:
        command()
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        exit_code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except Exception:
        traceback.print_exc()
        exit_code = 1
    # Waits for the threads that are no daemons.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return exit_code


def _next_command(listener: socket.socket) -> str | None:
    """Fork for each request; return its entry in the process of a command, and None in the server when it ends.

    Modules are imported, in the order of the lines that name them, whenever no command waits.
    """
    modules, unread = list[str](), b""
    while True:
        ready, _, _ = select.select([listener, 0], [], [], 0 if modules else None)
        if 0 in ready:
            given = os.read(0, select.PIPE_BUF)
            if not given:
                return None
            *lines, unread = (unread + given).split(b"\n")
            modules += [line.decode() for line in lines]
        if listener in ready:
            connection, _ = listener.accept()
            # What is imported is no garbage: commands neither look through it nor copy its pages for that.
            gc.freeze()
            if os.fork() == 0:
                listener.close()
                return _supervised(connection)
            connection.close()
        elif modules:
            # A command that needs what cannot be imported says so itself.
            with suppress(Exception):
                import_module(modules.pop(0))


def _supervised(connection: socket.socket) -> str:
    """Fork the command and wait for its end or its client's; returns in the process of the command alone."""
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    request = accepted(connection)
    if request is None:
        os._exit(1)
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for each in (connection, woken, wakes):
            each.close()
        return _become(*request)
    os.close(request[1])
    with suppress(OSError):
        send(connection, {"pid": pid})
    ready, _, _ = select.select([connection, woken], [], [])
    if woken not in ready:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        send(connection, {"exit_code": os.waitstatus_to_exitcode(status)})
    os._exit(0)


def _become(request: dict[str, Any], output: int) -> str:
    """Turn this process into the command's and return its entry."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, number)
    os.close(nothing)
    os.close(output)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv = list(request["argv"])
    setproctitle(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))
    return str(request["entry"])


if __name__ == "__main__":
    main(sys.argv[1])
