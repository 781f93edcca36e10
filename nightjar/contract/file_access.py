"""Files and folders that this process may not read or write: its user, the owner, and what to do.

Checked before an import, and for errors that arise later: in a container the user is one of the image, and a mounted
folder belongs to another user.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from nightjar.contract.errors import BadInput

_CODES = (errno.EACCES, errno.EPERM, errno.EROFS)
# DuckDB reports it in its message only.
_IN_MESSAGE = re.compile(r'[Cc]annot open file "([^"]+)":.*(?:Permission denied|Read-only file system)')


def check_readable(paths: Iterable[Path]) -> None:
    """Check that files can be read, and folders with all that is in them; missing files are not checked here.

    Raises:
        BadInput: one cannot.
    """
    for path in paths:
        _check_folders_entered(path)
        for each in (path, *(path.rglob("*") if path.is_dir() else ())):
            if each.exists() and not os.access(each, _needed(each)):
                raise not_accessible(each, is_written=False)


def check_writable(folder: Path) -> None:
    """Check that files can be written in a folder, or where it is missing, that it can be made.

    Raises:
        BadInput: it cannot.
    """
    _check_folders_entered(folder)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    files = [each for each in there.iterdir() if each.is_file()] if there == folder and there.is_dir() else []
    for each in (there, *files):
        if not os.access(each, os.W_OK | (os.X_OK if each.is_dir() else 0)):
            raise not_accessible(each, is_written=True)


def access_error(error: BaseException) -> BadInput | None:
    """Return a readable error where an error, or its cause, is a denied access to a file; else None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _CODES and cause.filename:
            return _of_path(Path(os.fsdecode(cause.filename)))
        if found := _IN_MESSAGE.search(str(cause)):
            return _of_path(Path(found[1]))
        cause = cause.__cause__ or cause.__context__
    return None


def not_accessible(path: Path, *, is_written: bool) -> BadInput:
    """Return the error of a path that cannot be read or written: its owner, its mode, and what to do."""
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
    return not_accessible(there, is_written=there != path or os.access(there, os.R_OK))


def _check_folders_entered(path: Path) -> None:
    """Check that the folders that lead to a path may be entered; otherwise it cannot be seen."""
    for folder in reversed(path.absolute().parents):
        if _is_there(folder) and not os.access(folder, os.X_OK):
            raise not_accessible(folder, is_written=False)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _needed(path: Path) -> int:
    return os.R_OK | (os.X_OK if path.is_dir() else 0)
