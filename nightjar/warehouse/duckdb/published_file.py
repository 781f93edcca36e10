"""Writes the readers' snapshot of a DuckDB warehouse: the file `published.duckdb`, which no run keeps open.

`published_rows` says what it holds; docs/decisions/readers-snapshot.md says why it exists.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from nightjar.contract.failpoints import failpoint
from nightjar.warehouse.duckdb.published_rows import update
from nightjar.warehouse.protocol import ReadersSnapshot

FILE = "published.duckdb"
# ioctl of Linux: the new file shares the blocks of the old one until either changes.
_FICLONE = 0x40049409


def write(warehouse: Path, target: Path, when_unlocked: Callable[[Callable[[], object]], object]) -> ReadersSnapshot:
    """Write the file aside and rename it; readers of the old one keep it.

    Args:
        warehouse: the DuckDB file of the warehouse.
        target: the file that readers open.
        when_unlocked: calls what opens the warehouse until no other process writes to it.

    Raises:
        duckdb.Error, OSError: it cannot be written; the old file is as it was.
    """
    with _locked(target):
        if target.exists():
            try:
                return _write(warehouse, target, when_unlocked, updates_earlier=True)
            except duckdb.Error:
                # It is damaged, of another DuckDB version, or another program wrote into it: then it is written whole.
                pass
        return _write(warehouse, target, when_unlocked, updates_earlier=False)


def _write(
    warehouse: Path, target: Path, when_unlocked: Callable[[Callable[[], object]], object], *, updates_earlier: bool
) -> ReadersSnapshot:
    with _aside(target, updates_earlier) as aside:
        with duckdb.connect(config={"temp_directory": f"{aside}.temp"}) as connection:
            connection.execute("set timezone = 'UTC'")
            when_unlocked(lambda: connection.execute(f"attach {_literal(warehouse)} as warehouse (read_only)"))
            connection.execute(f"attach {_literal(aside)} as published")
            left_out = update(connection)
            failpoint("readers_snapshot:before_close")
            connection.execute("detach warehouse")
            connection.execute("checkpoint published")
            connection.execute("detach published")
        size = aside.stat().st_size
    return ReadersSnapshot(target, size, tuple(left_out))


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Let one process write the file at a time; the lock of a process that dies is released."""
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _aside(target: Path, updates_earlier: bool) -> Iterator[Path]:
    """Give a copy of the file to change, or the path of a new one; on success it replaces the file."""
    aside = target.with_name(f".{target.name}.aside")
    _remove(aside)
    try:
        if updates_earlier:
            _clone(target, aside)
        failpoint("readers_snapshot:after_clone")
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        failpoint("readers_snapshot:before_rename")
        aside.replace(target)
    finally:
        _remove(aside)
    failpoint("readers_snapshot:after_rename")


def _remove(aside: Path) -> None:
    for path in (aside, Path(f"{aside}.wal")):
        path.unlink(missing_ok=True)
    shutil.rmtree(f"{aside}.temp", ignore_errors=True)


def _clone(source: Path, target: Path) -> None:
    """Copy a file; where the file system can, without copying its bytes (XFS, Btrfs)."""
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new, _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 16 << 20)
