"""The processes that train shards, beside the one that fits: each does a task a line of its input names.

A process is `python -m ml.models.shard_workers FILE`, FILE being the descriptor of the shared arrays. It ends with its
input, thus with the process that started it, and the memory with the last of them. Used by `sharded_fit`.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Protocol, cast

from ml.models.shards import Plan, Task, do
from ml.models.shared_arrays import Arrays, SharedArrays, opened
from nightjar.contract.errors import NightjarError


class Workers(Protocol):
    """Who does the tasks of a fit."""

    def begin(self, plan: Plan) -> None:
        """Get the plan, when all arrays are made."""

    def run(self, tasks: Sequence[Task]) -> None:
        """Do tasks whose order does not matter, and return when all are done."""

    def end(self) -> None:
        """Leave no process behind."""


class NoWorkers:
    """This process does all."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    def begin(self, plan: Plan) -> None:
        """Get the plan, when all arrays are made."""
        self._plan = plan

    def run(self, tasks: Sequence[Task]) -> None:
        """Do the tasks."""
        for task in tasks:
            do(task, self._arrays, self._plan)

    def end(self) -> None:
        """Do nothing."""


class WorkerProcesses:
    """Processes that start at once and take tasks as soon as they are ready."""

    def __init__(self, count: int, memory: SharedArrays, environment: Mapping[str, str], folder: str) -> None:
        command = [sys.executable, "-m", "ml.models.shard_workers", str(memory.file)]
        self._memory = memory
        self._idle: list[subprocess.Popen[bytes]] = []
        self._selector = selectors.DefaultSelector()
        self.processes: list[subprocess.Popen[bytes]] = []
        for _ in range(count):
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                pass_fds=(memory.file,),
                env=environment,
                cwd=folder,
            )
            self.processes.append(process)
            self._selector.register(_pipe(process.stdout), selectors.EVENT_READ, process)

    def begin(self, plan: Plan) -> None:
        """Send the plan and the place of the arrays.

        Raises:
            NightjarError: a process was killed.
        """
        line = json.dumps([*self._memory.table(), plan])
        for process in self.processes:
            _send(process, line)

    def run(self, tasks: Sequence[Task]) -> None:
        """Do tasks whose order does not matter, and return when all are done.

        Raises:
            NightjarError: a process was killed.
        """
        waiting, done = deque(tasks), 0
        # Not all are busy: who starts slowly is not waited for.
        busy: set[int] = set()
        while done < len(tasks):
            while waiting and self._idle:
                process = self._idle.pop()
                _send(process, json.dumps(waiting.popleft()))
                busy.add(process.pid)
            for key, _ in self._selector.select():
                if not os.read(key.fd, 1):
                    raise _lost(key.data)
                self._idle.append(key.data)
                done += key.data.pid in busy
                busy.discard(key.data.pid)

    def end(self) -> None:
        """Kill the processes: nothing of theirs is kept."""
        self._selector.close()
        for process in self.processes:
            process.kill()
            process.wait()
            _pipe(process.stdin).close()
            _pipe(process.stdout).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    # Not None by the arguments of Popen.
    return cast(IO[bytes], pipe)


def _send(process: subprocess.Popen[bytes], line: str) -> None:
    try:
        _pipe(process.stdin).write(line.encode() + b"\n")
    except BrokenPipeError as error:
        raise _lost(process) from error


def _lost(process: subprocess.Popen[bytes]) -> NightjarError:
    exit_code = process.wait()
    return NightjarError(
        f"a process of the training ended with exit code {exit_code}, expected it to run until the fit ends: if memory"
        " ran out, lower NIGHTJAR_TRAIN_SHARDS",
        code="training_process_lost",
        exit_code=exit_code,
        setting="NIGHTJAR_TRAIN_SHARDS",
    )


def main() -> None:
    """Do the tasks of the standard input and write a byte after each; the first byte says that the process is ready."""
    # Who interrupts the command ends the process that waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = sys.stdout.fileno()
    os.write(output, b".")
    if not (line := sys.stdin.readline()):
        return
    size, offset, values = json.loads(line)
    arrays = opened(int(sys.argv[1]), size, offset)
    plan = Plan.of(values)
    for line in iter(sys.stdin.readline, ""):
        do(Task(*json.loads(line)), arrays, plan)
        # Who no longer reads has ended; then the input ends, too.
        with suppress(BrokenPipeError):
            os.write(output, b".")


if __name__ == "__main__":
    main()
