"""Work beside other work: in a process that is forked for it, where there is a core for it.

Used where a stage can do two things at once, each of which uses one core. The result is the same either way.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

from nightjar.contract.errors import NightjarError

Result = TypeVar("Result")


@contextmanager
def beside(what: str, work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Do some work while the body runs; yield what waits for its result.

    The work sees what this process has in memory when it begins, and changes nothing of it. Without a second core, and
    where a process cannot be forked, it is done when its result is asked for.

    Args:
        what: is done, in words.
        work: returns what can be sent between processes; small, because it is copied.

    Raises:
        Exception: of the work, when its result is asked for.
        NightjarError: its process was killed.
    """
    if cores() == 1 or sys.platform != "linux":
        yield work
        return
    context: Any = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(work, receiver, sender), daemon=True)
    process.start()
    sender.close()

    def result() -> Result:
        try:
            value, error = receiver.recv()
        except EOFError:
            process.join()
            raise NightjarError(
                f"{what} was killed by signal {-process.exitcode}: a user ended it, or memory ran out",
                code="killed",
                command=what,
                signal=-process.exitcode,
            ) from None
        if error is not None:
            raise error
        return cast(Result, value)

    try:
        yield result
    finally:
        receiver.close()
        process.kill()
        process.join()


def _send_result(work: Callable[[], Any], receiver: Connection, sender: Connection) -> None:
    # Where nobody reads any more, the process that began the work has ended.
    receiver.close()
    value, failure = None, None
    try:
        value = work()
    except Exception as error:
        failure = error
    sender.send((value, failure))


def cores() -> int:
    """Return the number of cores that this process may use, where the system says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
