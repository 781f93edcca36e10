"""Waits for a DuckDB file that another process holds, and logs which process that is and what to do.

DuckDB lets one process write or any number read. It refuses others at once, with the id of that process.
"""

import pwd
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb

from nightjar.contract.errors import NightjarError
from nightjar.contract.progress import MARK
from nightjar.warehouse.duckdb.published_file import FILE

T = TypeVar("T")
_OURS = {"nightjar", "dbt", "nightjar.warehouse.dbt_process"}
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
# The stages of a run follow each other closely: a shorter wait is not logged.
_FIRST_LOG_SECONDS = 1.0
_LOG_EVERY_SECONDS = 60.0
_POLL_SECONDS = 0.1
# A command line may hold a password in an address.
_LONGEST = 100
_IN_ADDRESS = re.compile(r"//[^/\s]*@")


class FileBusy(NightjarError):
    """Another process kept the file open for longer than the deadline."""


def retry_while_locked(path: Path, deadline_seconds: float, opened: Callable[[], T]) -> T:
    """Call `opened`, again while another process holds the file; return its result.

    Raises:
        NightjarError: the file cannot be opened.
        FileBusy: it was held for longer than the deadline; names the process.
    """
    started = time.monotonic()
    next_log = started + _FIRST_LOG_SECONDS
    while True:
        try:
            return opened()
        except duckdb.IOException as error:
            if not is_locked(str(error)):
                raise NightjarError(
                    f"{path} cannot be opened: {error}", code="unreadable_warehouse", path=path
                ) from error
            now = time.monotonic()
            if now - started > deadline_seconds:
                raise FileBusy(
                    f"{path} was busy for {deadline_seconds:.0f} s: {lock_holder(str(error))}; {_advice(path, error)}",
                    code="file_busy",
                    path=path,
                    pid=_pid(str(error)),
                ) from error
            if now >= next_log:
                next_log = now + _LOG_EVERY_SECONDS
                _log_wait(path, error, deadline_seconds - (now - started))
            time.sleep(_POLL_SECONDS)


def is_locked(message: str) -> bool:
    """Return whether DuckDB refused a file because another process holds it."""
    return "Could not set lock on file" in message


def lock_holder(message: str) -> str:
    """Return which process holds a file, by DuckDB's message and the system: id, command line, user."""
    found = _HOLDER.search(message)
    if found is None:
        return "another process has it open"
    words, user = _command_line(found["pid"])
    command = _IN_ADDRESS.sub("//...@", words)[:_LONGEST] or found["program"]
    return f"process {found['pid']} ({command}{user}) has it open"


def _pid(message: str) -> int | None:
    found = _HOLDER.search(message)
    return int(found["pid"]) if found else None


def _command_line(pid: str) -> tuple[str, str]:
    process = Path("/proc") / pid
    try:
        words = process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        owner = process.stat().st_uid
    except OSError:
        # It has ended meanwhile, or the system has no such folder.
        return "", ""
    try:
        return words, f", user {pwd.getpwuid(owner).pw_name}"
    except KeyError:
        return words, f", user {owner}"


def _log_wait(path: Path, error: duckdb.IOException, seconds_left: float) -> None:
    left = f"{seconds_left / 60:.0f} minutes" if seconds_left >= 90 else f"{seconds_left:.0f} s"
    words = f"waiting for {path}, up to {left}: {lock_holder(str(error))}; {_advice(path, error)}"
    # Standard output may be read by programs.
    print(f"{MARK} {words}", file=sys.stderr, flush=True)


def _advice(path: Path, error: duckdb.IOException) -> str:
    found = _HOLDER.search(str(error))
    words = _command_line(found["pid"])[0].split() if found else []
    if any(Path(word).name in _OURS for word in words[:3]):
        return "it is a task or a command of Nightjar and closes it when it is done"
    snapshot = path.with_name(FILE)
    to_read = f"; to read, open {snapshot} instead" if snapshot.exists() and snapshot != path else ""
    return f"close it there, or end that process{to_read}"
