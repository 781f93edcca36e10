"""One fit of LightFM in shards: its memory, its workers, its epochs. Used by `lightfm`."""

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.models.shard_workers import NoWorkers, WorkerProcesses, Workers
from ml.models.shards import ITEMS, SHARED, Plan, epoch_tasks, lay_out, parameters, rows_of
from ml.models.shared_arrays import OwnArrays, SharedArrays
from ml.models.spark_workers import SparkWorkers
from ml.models.warp import Hyperparameters, Parameters
from nightjar.contract.beside import cores
from nightjar.contract.environment import spark_environment
from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings

# With NIGHTJAR_TRAIN_SHARDS=0. Smaller fits take seconds, as long as processes need to start.
_PAIRS_OF_A_SHARD = 250_000
_MOST_SHARDS = 16
# More rounds find more, until about these (docs/decisions/parallel-training.md).
_FEWEST_ROUNDS, _MOST_ROUNDS = 8, 32
# Merging costs shards x rounds x items, training costs pairs: so many copies of items a pair are some 5 % of the work.
_COPIED_ITEMS_OF_A_PAIR = 2


def shards_of(settings: Settings, pairs: int, users: int, items: int) -> int:
    """Return the number of shards of a fit: it depends on the data, never on the machine."""
    # Beyond these, even the fewest rounds would copy more items than is cheap.
    cheap = _COPIED_ITEMS_OF_A_PAIR * pairs // (_FEWEST_ROUNDS * items)
    wanted = settings.train_shards or min(_MOST_SHARDS, pairs // _PAIRS_OF_A_SHARD, cheap)
    return max(1, min(wanted, users))


def rounds_of(shards: int, pairs: int, items: int) -> int:
    """Return the number of rounds an epoch: as many as keep merging cheap beside training."""
    return max(_FEWEST_ROUNDS, min(_MOST_ROUNDS, _COPIED_ITEMS_OF_A_PAIR * pairs // (shards * items)))


def workers_of(settings: Settings, shards: int) -> int:
    """Return the number of processes: it changes no result."""
    allowed = settings.train_workers or max(1, cores() // settings.train_threads)
    return min(shards, allowed)


class ShardedFit:
    """A fit whose epochs are trained in shards.

    Args:
        shards: number of shards, at most the number of users.
        pairs: (users, items) float32, weight > 0 of each positive pair; every user has one.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32.
        users: from which the user features start.
        items: from which the item features start.
        hyperparameters: of the updates.
        settings: workers and threads.
        folder: below which the machines of a Spark cluster exchange files; None: this machine trains.
    """

    def __init__(
        self,
        shards: int,
        pairs: sparse.csr_matrix,
        user_features: sparse.csr_matrix,
        item_features: sparse.csr_matrix,
        users: Parameters,
        items: Parameters,
        hyperparameters: Hyperparameters,
        settings: Settings,
        folder: Path | None = None,
    ) -> None:
        on_spark = folder if settings.train_on == "spark" else None
        # Spark trains shards; this process merges them.
        workers = workers_of(settings, shards) if on_spark is None else 1
        rounds = rounds_of(shards, pairs.nnz, pairs.shape[1])
        self._plan = Plan(shards, rounds, workers, settings.train_threads, hyperparameters)
        self._users = users
        self._memory = SharedArrays() if workers > 1 else OwnArrays()
        # First, because they start while the arrays are made.
        self._workers = _workers(workers, self._memory, settings, on_spark)
        try:
            start = (pairs, user_features, item_features, users, items)
            self._own = lay_out(self._memory.new, self._plan, *start)
            self._shared = _shared(self._own, user_features)
            self._workers.begin(self._plan)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> "ShardedFit":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self._end()

    def train_epoch(self, number: int) -> None:
        """Go through all pairs once.

        Raises:
            ValueError: parameters are not finite.
            NightjarError: a process was killed, or the application of Spark failed.
        """
        for tasks in epoch_tasks(self._plan, number):
            self._workers.run(tasks)
        if not all(np.isfinite(part).all() for side in self.parameters() for part in side):
            raise ValueError("parameters are not finite")

    def parameters(self) -> tuple[Parameters, Parameters]:
        """Return those of the user and of the item features, views of what the next epoch changes."""
        arrays = self._memory.arrays
        for shard, own in enumerate(self._own):
            _put_rows(self._users, own, rows_of(parameters(arrays, f"{shard}/users"), slice(len(own))))
        _put_rows(self._users, self._shared, parameters(arrays, SHARED))
        return self._users, parameters(arrays, ITEMS)

    def _end(self) -> None:
        self._workers.end()
        if isinstance(self._memory, SharedArrays):
            self._memory.close()


def _workers(count: int, memory: OwnArrays, settings: Settings, on_spark: Path | None) -> Workers:
    if on_spark is not None:
        return SparkWorkers(memory.arrays, settings, on_spark)
    if not isinstance(memory, SharedArrays):
        return NoWorkers(memory.arrays)
    # It has no secrets, which a training has no use for.
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(settings.train_threads)}
    return WorkerProcesses(count, memory, {**spark_environment(), **threads}, str(REPOSITORY))


def _shared(own: list[NDArray[np.int64]], user_features: sparse.csr_matrix) -> NDArray[np.int64]:
    carried = np.flatnonzero(user_features.getnnz(axis=0))
    return np.setdiff1d(carried, np.concatenate(own)).astype(np.int64)


def _put_rows(target: Parameters, rows: NDArray[np.int64], source: Parameters) -> None:
    for place, values in zip(target, source, strict=True):
        place[rows] = values
