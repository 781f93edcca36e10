"""Recognises a full disk in errors of Python, DuckDB, Arrow, Spark or dbt."""

import errno
import shutil
import tempfile
from pathlib import Path

from nightjar.contract.errors import NightjarError

_WORDS = ("No space left on device", "Disk quota exceeded")
_CODES = (errno.ENOSPC, errno.EDQUOT)


def is_disk_full(error: BaseException) -> bool:
    """Return whether the error, or what caused it, is a disk without space."""
    cause: BaseException | None = error
    while cause is not None:
        if getattr(cause, "errno", None) in _CODES or any(words in str(cause) for words in _WORDS):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def disk_full_error(folder: Path) -> NightjarError:
    """Return the error of a full disk with the space left: most libraries do not name the disk."""
    places = "; ".join(f"{place} has {_free_mb(place):,.1f} MB left" for place in (folder, Path(tempfile.gettempdir())))
    return NightjarError(
        f"a disk is full: {places}. Free some and run the same again",
        code="disk_full",
        path=folder,
    )


def _free_mb(folder: Path) -> float:
    return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free / 1e6
