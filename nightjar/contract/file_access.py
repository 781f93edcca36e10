"""Files and folders that this process may not read or write: who it is, what stands in the way and what mends it.

Asked before an import touches anything, and of errors that arise later: in a container the user is one of the image,
and a mounted folder is somebody else's.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from nightjar.contract.errors import BadInput

_CODES = (errno.EACCES, errno.EPERM, errno.EROFS)
# DuckDB says it in words only.
_IN_WORDS = re.compile(r'[Cc]annot open file "([^"]+)":.*(?:Permission denied|Read-only file system)')


def check_readable(paths: Iterable[Path]) -> None:
    """Check that files can be read, and folders with all that is in them; what is not there is for others to say.

    Raises:
        BadInput: one cannot.
    """
    for path in paths:
        _check_entered(path)
        for each in (path, *(path.rglob("*") if path.is_dir() else ())):
            if each.exists() and not os.access(each, _needed(each)):
                raise refused(each, is_written=False)


def check_writable(folder: Path) -> None:
    """Check that files can be written in a folder, or where it is missing, that it can be made.

    Raises:
        BadInput: it cannot.
    """
    _check_entered(folder)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    files = [each for each in there.iterdir() if each.is_file()] if there == folder and there.is_dir() else []
    for each in (there, *files):
        if not os.access(each, os.W_OK | (os.X_OK if each.is_dir() else 0)):
            raise refused(each, is_written=True)


def access_error(error: BaseException) -> BadInput | None:
    """Return the line for a person where an error, or what caused it, is a file that the system keeps to others."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _CODES and cause.filename:
            return _of_path(Path(os.fsdecode(cause.filename)))
        if found := _IN_WORDS.search(str(cause)):
            return _of_path(Path(found[1]))
        cause = cause.__cause__ or cause.__context__
    return None


def refused(path: Path, *, is_written: bool) -> BadInput:
    """Return the line that says whose a path is, who may not do what with it, and what mends that."""
    uid, what = os.geteuid(), "written" if is_written else "read"
    try:
        facts = path.stat()
    except OSError:
        return BadInput(
            f"{path} cannot be {what} by uid {uid}: chmod or chown the folders that lead to it",
            code="not_accessible",
            path=path,
            uid=uid,
            is_written=is_written,
        )
    if is_written and os.statvfs(path).f_flag & os.ST_RDONLY:
        return BadInput(
            f"{path} cannot be written by uid {uid}: it is mounted read-only; mount it without :ro",
            code="not_accessible",
            path=path,
            uid=uid,
            is_written=is_written,
        )
    rights = ("w" if is_written else "r") + ("x" if path.is_dir() else "")
    other = f", or run the container with --user {facts.st_uid}" if facts.st_uid else ""
    return BadInput(
        f"{path} cannot be {what} by uid {uid}: its owner is uid {facts.st_uid}, its mode "
        f"{stat.S_IMODE(facts.st_mode):o}; chmod o+{rights} it, chown it to {uid}{other}",
        code="not_accessible",
        path=path,
        uid=uid,
        is_written=is_written,
    )


def _of_path(path: Path) -> BadInput:
    there = next((each for each in (path, *path.parents) if _is_there(each)), path)
    return refused(there, is_written=there != path or os.access(there, os.R_OK))


def _check_entered(path: Path) -> None:
    """Check that the folders that lead to a path may be entered; without that nobody can tell whether it is there."""
    for folder in reversed(path.absolute().parents):
        if _is_there(folder) and not os.access(folder, os.X_OK):
            raise refused(folder, is_written=False)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _needed(path: Path) -> int:
    return os.R_OK | (os.X_OK if path.is_dir() else 0)
