"""Arrays by name in memory that processes share, in a file without a name: it is gone when the last of them ends.

Used by the training of shards and its worker processes. /dev/shm is not used: containers have 64 MB of it by default.
"""

import json
import mmap
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Arrays = dict[str, NDArray[Any]]
# Makes an array of a name, shape and type, of undefined content.
NewArray = Callable[[str, tuple[int, ...], DTypeLike], NDArray[Any]]


class OwnArrays:
    """Arrays of this process alone."""

    def __init__(self) -> None:
        self.arrays: Arrays = {}

    def new(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array of undefined content."""
        self.arrays[name] = np.empty(shape, dtype)
        return self.arrays[name]


class SharedArrays(OwnArrays):
    """Arrays that other processes open by the file's descriptor.

    Attributes:
        file: descriptor of the file; who inherits it may open the arrays.
    """

    def __init__(self) -> None:
        super().__init__()
        self.file = _file_without_name()
        self._places: dict[str, tuple[int, tuple[int, ...], str]] = {}
        self._end = 0

    def new(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make an array of undefined content at the end of the file."""
        self._places[name] = (self._end, shape, np.dtype(dtype).str)
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        # A mapping begins at a page.
        self._end += -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        os.ftruncate(self.file, self._end)
        self.arrays[name] = _mapped(self.file, *self._places[name])
        return self.arrays[name]

    def table(self) -> tuple[int, int]:
        """Write the names and places of all arrays to the end of the file; return where, and how many bytes."""
        text = json.dumps(self._places).encode()
        return os.pwrite(self.file, text, self._end), self._end

    def close(self) -> None:
        """Close the file; arrays in use stay until they are dropped."""
        os.close(self.file)


def opened(file: int, size: int, offset: int) -> Arrays:
    """Return the arrays of another process by what its `table` returned."""
    places = json.loads(os.pread(file, size, offset))
    return {name: _mapped(file, *place) for name, place in places.items()}


def _file_without_name() -> int:
    # macOS has none in memory.
    if hasattr(os, "memfd_create"):
        return os.memfd_create("nightjar-training")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _mapped(file: int, offset: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(mmap.mmap(file, size, offset=offset), dtype).reshape(shape)
