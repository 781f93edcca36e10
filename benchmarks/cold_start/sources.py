"""Pairs, domains and tags of a data set, read from the files of its folder.

Two layouts: `users.dat` and `tag-item.dat` (a line a user or tag: the count, then item numbers), and folders
`<domain>_<other domain>` with `train.txt` and `test.txt` (a line a pair: user, item, 1) that share their users.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.errors import BadInput


@dataclass(frozen=True)
class Source:
    """A data set; no pair has a time, so that all weigh the same.

    Attributes:
        pairs: (users, items) float32 CSR of ones.
        domains: (items,) text.
        tags: (items, tags) float32 CSR of ones.
    """

    pairs: sparse.csr_matrix
    domains: NDArray[np.object_]
    tags: sparse.csr_matrix


def read(folder: Path) -> Source:
    """Read a folder.

    Raises:
        BadInput: it has neither layout.
    """
    if (folder / "users.dat").is_file() and (folder / "tag-item.dat").is_file():
        return _tagged(folder)
    domains = sorted(path.parent for path in folder.glob("*_*/train.txt"))
    if len(domains) > 1:
        return _of_domains(domains)
    raise BadInput(
        f"{folder} has neither users.dat and tag-item.dat nor folders <domain>_<other>/train.txt",
        code="unknown_layout",
        path=folder,
    )


def ones(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return a CSR of ones; duplicates count once."""
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    matrix.sort_indices()
    return matrix


def _tagged(folder: Path) -> Source:
    users, tags = _read_lists(folder / "users.dat"), _read_lists(folder / "tag-item.dat")
    items = 1 + max(int(each.max(initial=-1)) for each in (*users, *tags))
    tagged = sparse.csr_matrix(_pairs_of(tags, items).T)
    return Source(_pairs_of(users, items), np.full(items, "default", object), tagged)


def _read_lists(path: Path) -> list[NDArray[np.int64]]:
    return [np.array(line.split()[1:], np.int64) for line in path.read_text(encoding="utf-8").splitlines()]


def _pairs_of(lists: Sequence[NDArray[np.int64]], items: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    return ones(rows, np.concatenate(lists), (len(lists), items))


def _of_domains(folders: Sequence[Path]) -> Source:
    rows, columns, domains = [], [], []
    for folder in folders:
        files = [path for path in (folder / "train.txt", folder / "test.txt") if path.is_file()]
        pairs = np.concatenate([np.loadtxt(path, np.int64, usecols=(0, 1), ndmin=2) for path in files])
        items, numbers = np.unique(pairs[:, 1], return_inverse=True)
        rows.append(pairs[:, 0])
        columns.append(numbers + len(domains))
        domains += [folder.name.split("_")[0]] * len(items)
    users = 1 + max(int(each.max()) for each in rows)
    pairs = ones(np.concatenate(rows), np.concatenate(columns), (users, len(domains)))
    return Source(pairs, np.array(domains, object), sparse.csr_matrix((len(domains), 0), dtype=np.float32))
