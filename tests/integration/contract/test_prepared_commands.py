"""Commands that a server forks: what they are given, how they end, and what ends them."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from nightjar.contract.prepared_commands import FORK_SERVER, Server, received, send, start

_ENDS_WITHIN_SECONDS = 60
_COMMANDS = """
    import atexit, json, os, sys, threading, time

    def describe():
        told = {"argv": sys.argv, "cwd": os.getcwd(), "environment": dict(os.environ), "zone": time.tzname[0]}
        print(json.dumps({**told, "leads a session": os.getsid(0) == os.getpid(), "parent": os.getppid()}))
        print("on standard error", file=sys.stderr)
        sys.exit(3)

    def wait():
        print(os.getpid(), flush=True)
        time.sleep(600)

    def end():
        atexit.register(print, "at exit")
        threading.Thread(target=lambda: (threading.main_thread().join(), print("by a thread"))).start()
        if sys.argv[1] == "error":
            raise RuntimeError("what was wrong")
        sys.exit(None if sys.argv[1] == "none" else "why")
"""


def test_messages_that_come_together_are_read_one_by_one() -> None:
    sender, receiver = socket.socketpair(socket.AF_UNIX)
    with sender, receiver:
        receiver.settimeout(_ENDS_WITHIN_SECONDS)
        # As of a command that has ended before anybody has read that it began.
        for message in ({"pid": 7}, {"exit_code": 1}):
            send(sender, message)
        assert [received(receiver), received(receiver)] == [{"pid": 7}, {"exit_code": 1}]
        sender.close()
        assert received(receiver) is None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of those who use a server that can import the module `commands`."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "commands.py").write_text(textwrap.dedent(_COMMANDS))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    before = set(psutil.Process().children())
    with Server(FORK_SERVER, "nightjar.contract.fork_server", [], environment) as server:
        # A module that is missing concerns the commands that need it alone.
        server.start("missing", "commands")
        [process] = set(psutil.Process().children()) - before
        server.start("json")
        assert set(psutil.Process().children()) - before == {process}
        yield server.variables
    assert not process.is_running()


def test_a_command_has_arguments_environment_folder_and_session_of_its_own(
    server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FORK_SERVER, server[FORK_SERVER])
    given = {"ONLY": "this", "TZ": "Asia/Tokyo"}
    command = start(FORK_SERVER, "commands:describe", ["/bin/told", "a b", ""], given, tmp_path)
    assert command is not None
    told, on_standard_error = command.stdout.read().decode().splitlines()
    assert command.wait() == command.wait() == command.returncode == 3
    assert on_standard_error == "on standard error"
    of_command = json.loads(told)
    assert of_command.pop("parent") not in (os.getpid(), 1)
    assert of_command == {
        "argv": ["/bin/told", "a b", ""],
        "cwd": str(tmp_path),
        "environment": given,
        "zone": "JST",
        "leads a session": True,
    }


@pytest.mark.parametrize(
    ("how", "exit_code", "said"),
    [("none", 0, []), ("text", 1, ["why"]), ("error", 1, ["RuntimeError: what was wrong"])],
)
def test_a_command_ends_as_an_interpreter_does(
    server: dict[str, str], monkeypatch: pytest.MonkeyPatch, how: str, exit_code: int, said: list[str]
) -> None:
    monkeypatch.setenv(FORK_SERVER, server[FORK_SERVER])
    command = start(FORK_SERVER, "commands:end", ["ends", how], {})
    assert command is not None
    lines = command.stdout.read().decode().splitlines()
    assert command.wait() == exit_code
    # The frames of an error come before it.
    assert lines[-2 - len(said) :] == [*said, "by a thread", "at exit"]


def test_a_killed_command_has_its_signal_and_the_server_goes_on(
    server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FORK_SERVER, server[FORK_SERVER])
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        command = start(FORK_SERVER, "commands:wait", ["waiting", "for long"], {})
        assert command is not None
        assert int(command.stdout.readline()) == command.pid
        assert " ".join(psutil.Process(command.pid).cmdline()).strip() == "waiting for long"
        os.killpg(command.pid, number)
        assert command.wait() == -number


def test_a_command_ends_with_the_process_that_started_it(server: dict[str, str]) -> None:
    starts = """
        from nightjar.contract.prepared_commands import *
        command = start(FORK_SERVER, "commands:wait", ["waiting"], {})
        print(command.stdout.readline().decode(), flush=True)
        command.wait()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(starts)], env={**os.environ, **server}, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        command = psutil.Process(int(client.stdout.readline()))
        client.kill()
    command.wait(timeout=_ENDS_WITHIN_SECONDS)


def test_without_a_server_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(FORK_SERVER, raising=False)
    assert start(FORK_SERVER, "commands:describe", ["told"], {}) is None
    # One that has ended leaves its address in the environment.
    before = set(psutil.Process().children())
    with Server(FORK_SERVER, "nightjar.contract.fork_server", [], {**os.environ}) as server:
        monkeypatch.setenv(FORK_SERVER, server.variables[FORK_SERVER])
        # As one that fails when it starts.
        server.start("json")
        [process] = set(psutil.Process().children()) - before
        process.kill()
        process.wait()
        assert start(FORK_SERVER, "commands:describe", ["told"], {}) is None
    assert start(FORK_SERVER, "commands:describe", ["told"], {}) is None


def test_a_command_waits_for_a_server_that_starts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(FORK_SERVER, "nightjar.contract.fork_server", [], {**os.environ}) as server:
        monkeypatch.setenv(FORK_SERVER, server.variables[FORK_SERVER])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(start, FORK_SERVER, "this:prints", ["told"], {})
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            server.start()
            command = waiting.result(timeout=_ENDS_WITHIN_SECONDS)
        assert command is not None
        # There is no such module.
        assert command.wait() == 1
