"""The processes that train shards, really started."""

import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from ml.data.training_data import TrainingData, read_training_data
from ml.models import sharded_fit
from ml.models.lightfm import Epoch, FactorsWithGradients, fit
from ml.models.shard_workers import WorkerProcesses
from ml.models.shared_arrays import SharedArrays, opened
from nightjar.contract.errors import NightjarError
from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from tests.support.refusals import refused


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[WorkerProcesses]:
    """The processes of the fits of a test."""
    groups: list[WorkerProcesses] = []

    def start(*arguments: Any) -> WorkerProcesses:
        groups.append(WorkerProcesses(*arguments))
        return groups[-1]

    monkeypatch.setattr(sharded_fit, "WorkerProcesses", start)
    return groups


def fitted(planted: Any, data: TrainingData, workers: int, **changes: Any) -> tuple[FactorsWithGradients, ...]:
    settings: Settings = planted.settings.model_copy(
        update={"train_shards": 4, "train_workers": workers, "epochs": 3, **changes}
    )
    return fit(data.train, data.user_features, data.item_features, settings, lambda epoch: None)


def test_the_bits_do_not_depend_on_the_number_of_processes(
    planted: Any, data: TrainingData, started: list[WorkerProcesses], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharded_fit, "rounds_of", lambda *_: 3)
    of_one, of_two, of_four = (fitted(planted, data, workers, user_alpha=1e-3) for workers in (1, 2, 4))
    assert [len(group.processes) for group in started] == [2, 4]
    for one, two, four in zip(of_one, of_two, of_four, strict=True):
        for name in ("vectors", "biases", "vector_gradients", "bias_gradients"):
            assert getattr(one, name).tobytes() == getattr(two, name).tobytes() == getattr(four, name).tobytes()


def test_no_process_is_left_behind(planted: Any, data: TrainingData, started: list[WorkerProcesses]) -> None:
    fitted(planted, data, 2, epochs=1)
    assert [process.returncode for process in started[0].processes] == [-signal.SIGKILL] * 2


def test_a_killed_process_is_named(planted: Any, data: TrainingData, started: list[WorkerProcesses]) -> None:
    settings = planted.settings.model_copy(update={"train_shards": 4, "train_workers": 2})

    def kill_one(epoch: Epoch) -> None:
        if epoch.number == 2:
            started[0].processes[1].kill()

    with refused(NightjarError, "training_process_lost", exit_code=-signal.SIGKILL, setting="NIGHTJAR_TRAIN_SHARDS"):
        fit(data.train, data.user_features, data.item_features, settings, kill_one)
    assert started[0].processes[0].poll() is not None


def test_processes_end_with_the_one_that_started_them() -> None:
    starter = """
import os, signal
from ml.models.shard_workers import WorkerProcesses
from ml.models.shared_arrays import SharedArrays
group = WorkerProcesses(1, SharedArrays(), os.environ, ".")
os.read(group.processes[0].stdout.fileno(), 1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", starter]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=REPOSITORY) as process:
        assert process.stderr is not None
        # Its pipe ends when the last process that inherited it has ended.
        assert process.stderr.read() == b""
    assert process.returncode == -signal.SIGKILL


def test_the_arrays_of_another_process_are_the_same_memory() -> None:
    memory = SharedArrays()
    one, empty = memory.new("one", (2, 3), np.float32), memory.new("none", (0,), np.int32)
    other = opened(memory.file, *memory.table())
    one[1, 2] = 5.0
    assert other["one"][1, 2] == 5.0
    assert other["none"].shape == empty.shape
    memory.close()
