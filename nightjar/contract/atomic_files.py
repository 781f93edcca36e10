"""Writes files and folders aside and renames them into place: a reader finds the old state or the new one.

Used wherever something is written that another process reads.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightjar.contract.failpoints import failpoint


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a small file aside, flush it to disk and rename it into place; it has its mode from its first byte."""
    aside = path.with_name(f".{path.name}.aside")
    aside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    failpoint("write_text:before_rename")
    aside.replace(path)


@contextmanager
def file_written_aside(target: Path) -> Iterator[Path]:
    """Give a path to write one file to; on success it replaces `target`, on error nothing changes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.aside")
    try:
        yield aside
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    failpoint("write_file:before_rename")
    aside.replace(target)


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Give an empty folder to write into; on success it replaces `target`, on error nothing changes."""
    aside = target.with_name(f".{target.name}.aside")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    failpoint("write_folder:before_removal")
    shutil.rmtree(target, ignore_errors=True)
    failpoint("write_folder:before_rename")
    aside.rename(target)
