"""The files by which the shards of a fit reach other machines, and the training of a shard from files to files.

Layout below the folder of a fit, which all machines see under one path:

    constant/<name>.npy              an array that no round changes, by its name: `3/features/indices`
    round-<n>/merged.arrays          what round n, from 1, starts from: merged parameters, penalties of the round before
    round-<n>/<shard>.users.arrays   parameters of the shard's users after round n; of round 0: those of the start
    round-<n>/<shard>.copies.arrays  what is merged after round n: the shard's items, its rows of shared user features

A file is written aside and renamed, and never changes: a task that runs again, or twice, reads the same and writes the
same. Constant arrays are mapped, all others read whole. Used by `spark_workers`, and by the tasks of `spark_training`.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from ml.models.shards import (
    ITEMS,
    SHARED,
    Plan,
    Task,
    do,
    draw_order,
    own_count,
    parameters,
    penalise,
    penalties,
    rows_of,
)
from ml.models.shared_arrays import Arrays
from ml.models.warp import Parameters

_CONSTANT_OF_ALL = "item_features"
_CONSTANT_OF_A_SHARD = ("features", "positives", "pair_users")
_PENALTIES = "penalties"


@dataclass(frozen=True)
class RoundFiles:
    """The files of one fit.

    Attributes:
        folder: of the fit; tasks make no folder, so that one that is late cannot bring a removed one back.
        plan: of the fit.
    """

    folder: Path
    plan: Plan

    def write_start(self, arrays: Arrays) -> None:
        """Write what is constant and the users' parameters at the start, and drop the constant arrays."""
        for name in [each for each in arrays if _is_constant(each)]:
            path = self.folder / "constant" / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, arrays.pop(name), allow_pickle=False)
        self._round(0).mkdir()
        for shard in range(self.plan.shards):
            _write(self._users(0, shard), _named(arrays, f"{shard}/users"))

    def write_merged(self, arrays: Arrays, task: Task) -> None:
        """Write what the round of a task starts from."""
        number = self._number(task)
        self._round(number).mkdir()
        merged = _named(arrays, ITEMS) | _named(arrays, SHARED) | {_PENALTIES: penalties(arrays, self.plan)}
        _write(self._merged(number), merged)

    def train(self, task: Task) -> None:
        """Train a shard in one round and write its parameters, unless they have been written."""
        number, shard, users = self._number(task), task.piece, f"{task.piece}/users"
        if self._copies(number, shard).exists():
            return
        arrays = read_arrays(self._merged(number)) | read_arrays(self._users(number - 1, shard))
        arrays |= self._constant(str(shard)) | self._constant(_CONSTANT_OF_ALL)
        for part, values in _named(arrays, ITEMS).items():
            arrays[f"{shard}/{part}"] = np.empty_like(values)
        arrays[f"{shard}/order"] = np.empty(len(arrays[f"{shard}/pair_users"]), np.int32)
        own = own_count(arrays, shard)
        if self.plan.hyperparameters.user_alpha > 0:
            penalise(rows_of(parameters(arrays, users), slice(own)), arrays[_PENALTIES], shard)
        # Another machine may have trained the round before.
        draw_order(arrays, self.plan, task)
        do(task, arrays, self.plan)
        _write(self._users(number, shard), _named(arrays, users))
        shared = dict(zip(Parameters._fields, rows_of(parameters(arrays, users), slice(own, None)), strict=True))
        _write(self._copies(number, shard), _named(arrays, f"{shard}/{ITEMS}") | shared)

    def read_trained(self, arrays: Arrays, task: Task) -> None:
        """Read what all shards wrote in the round of a task, and remove the files of the round before.

        The users' own parameters, which no merge needs, are read after the last round of an epoch.
        """
        number = self._number(task)
        for shard in range(self.plan.shards):
            users, own = parameters(arrays, f"{shard}/users"), own_count(arrays, shard)
            copies = read_arrays(self._copies(number, shard))
            for name, rows in zip(Parameters._fields, rows_of(users, slice(own, None)), strict=True):
                rows[...] = copies.pop(name)
            if task.round == self.plan.rounds - 1:
                copies |= read_arrays(self._users(number, shard))
            for name, values in copies.items():
                arrays[name][...] = values
        shutil.rmtree(self._round(number - 1), ignore_errors=True)

    def _number(self, task: Task) -> int:
        return (task.epoch - 1) * self.plan.rounds + task.round + 1

    def _round(self, number: int) -> Path:
        return self.folder / f"round-{number}"

    def _merged(self, number: int) -> Path:
        return self._round(number) / "merged.arrays"

    def _users(self, number: int, shard: int) -> Path:
        return self._round(number) / f"{shard}.users.arrays"

    def _copies(self, number: int, shard: int) -> Path:
        return self._round(number) / f"{shard}.copies.arrays"

    def _constant(self, name: str) -> Arrays:
        root = self.folder / "constant"
        # Private to this process: LightFM takes no arrays that are read-only.
        return {
            path.relative_to(root).with_suffix("").as_posix(): np.asarray(np.load(path, mmap_mode="c"))
            for path in (root / name).rglob("*.npy")
        }


def _is_constant(name: str) -> bool:
    first, second, *_ = name.split("/")
    return first == _CONSTANT_OF_ALL or second in _CONSTANT_OF_A_SHARD


def _named(arrays: Arrays, name: str) -> Arrays:
    return {f"{name}/{part}": arrays[f"{name}/{part}"] for part in Parameters._fields}


def _write(path: Path, arrays: Arrays) -> None:
    # Two tasks may write the same at once.
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    with aside.open("wb") as file:
        # Not np.savez: its checksums take a tenth of the time of a training.
        for each in (np.array(list(arrays)), *arrays.values()):
            np.save(file, each, allow_pickle=False)
    os.replace(aside, path)


def read_arrays(path: Path) -> Arrays:
    """Read a file of arrays: their names, then one after the other."""
    with path.open("rb") as file:
        return {str(name): np.load(file) for name in np.load(file)}
