"""Finds and ends the processes of one home's stack, by the mark in the environment of each.

A task has its own process group and outlives a killed supervisor; every process inherits the mark.
"""

from collections.abc import Callable

import psutil

from nightjar.contract.environment import STACK_MARK


def stack_processes(home: str) -> list[psutil.Process]:
    """Return the processes that carry the mark of the home, except this one."""
    return [
        process for process in psutil.process_iter() if process.pid != psutil.Process().pid and _mark(process) == home
    ]


def end_processes(processes: list[psutil.Process], wait_seconds: float) -> None:
    """Terminate the processes, and kill those still alive after `wait_seconds`."""
    for process in processes:
        _signal(process.terminate)
    for process in psutil.wait_procs(processes, timeout=wait_seconds)[1]:
        _signal(process.kill)
    psutil.wait_procs(processes, timeout=wait_seconds)


def _mark(process: psutil.Process) -> str | None:
    try:
        mark: str | None = process.environ().get(STACK_MARK)
    except (psutil.Error, OSError):
        # Another user's, or gone already.
        return None
    return mark


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
