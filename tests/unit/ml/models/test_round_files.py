"""What the tasks of a training on Spark read and write, in one process without Spark."""

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingData, read_training_data
from ml.models import sharded_fit, spark_workers
from ml.models.base import LongFit
from ml.models.candidate import fit_candidate
from ml.models.lightfm import FactorsWithGradients, fit
from ml.models.round_files import RoundFiles, read_arrays
from ml.models.shards import Plan, Task, do, lay_out
from ml.models.shared_arrays import Arrays, OwnArrays
from ml.models.warp import Hyperparameters, OneShard
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from nightjar.contract.spark_master import check_master
from tests.support.refusals import refused

HYPERPARAMETERS = Hyperparameters(2, 0.05, 10, 0.0, 0.1, 7)


class FilesWithoutSpark:
    """Trains shards from files to files: the last one first, and each of them twice, as late tasks of Spark may."""

    def __init__(self, arrays: Arrays, settings: Settings, folder: Path) -> None:
        self._arrays, self._folder = arrays, folder

    def begin(self, plan: Plan) -> None:
        self._files = RoundFiles(self._folder, plan)
        self._files.write_start(self._arrays)

    def run(self, tasks: Sequence[Task]) -> None:
        if tasks[0].kind == "merge":
            for task in tasks:
                do(task, self._arrays, self._files.plan)
            return
        self._files.write_merged(self._arrays, tasks[0])
        for task in [*reversed(tasks), *tasks]:
            self._files.train(task)
        self._files.read_trained(self._arrays, tasks[0])

    def end(self) -> None:
        pass


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture
def files(tmp_path: Path) -> RoundFiles:
    """Two shards of six users, who like two of six items each, ready for the first of three rounds."""
    pairs = sparse.csr_matrix(np.eye(6, dtype=np.float32) + np.eye(6, k=1, dtype=np.float32))
    identities = [sparse.identity(size, np.float32, "csr") for size in pairs.shape]
    plan, memory = Plan(2, 3, 1, 1, HYPERPARAMETERS), OwnArrays()
    lay_out(memory.new, plan, pairs, *identities, *OneShard(pairs, *identities, HYPERPARAMETERS, 1).parameters())
    files = RoundFiles(tmp_path, plan)
    files.write_start(memory.arrays)
    files.write_merged(memory.arrays, Task("train", 0, 1, 0))
    return files


def contents(path: Path) -> dict[str, bytes]:
    return {name: values.tobytes() for name, values in read_arrays(path).items()}


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_shards_trained_from_files_have_the_bits_of_those_in_memory(
    has_checkpoint: bool, planted: Any, data: TrainingData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sharded_fit, "SparkWorkers", FilesWithoutSpark)
    monkeypatch.setattr(sharded_fit, "rounds_of", lambda *_: 3)
    changes = {"train_shards": 4, "train_workers": 1, "epochs": 2, "user_alpha": 1e-3}
    settings: Settings = planted.settings.model_copy(update=changes)
    inputs = data.train, data.user_features, data.item_features
    checkpoint: Any = fit(*inputs, settings, lambda _: None) if has_checkpoint else None

    def after_epochs(settings: Settings, folder: Path | None) -> list[bytes]:
        epochs: list[bytes] = []

        def keep(*sides: FactorsWithGradients) -> None:
            for side in sides:
                epochs.extend(getattr(side, name).tobytes() for name in sorted(vars(side)))

        keep(*fit(*inputs, settings, lambda each: keep(each.users, each.items), checkpoint, folder))  # type: ignore[arg-type]
        return epochs

    local = after_epochs(settings, None)
    assert after_epochs(settings.model_copy(update={"train_on": "spark"}), tmp_path) == local
    # Two epochs and the factors at the end, two sides of four arrays.
    assert len(local) == 24


def test_files_are_named_by_round_and_shard_and_those_of_the_round_before_are_removed(files: RoundFiles) -> None:
    names = {path.relative_to(files.folder).as_posix() for path in files.folder.rglob("*.arrays")}
    assert names == {"round-0/0.users.arrays", "round-0/1.users.arrays", "round-1/merged.arrays"}
    assert (files.folder / "constant" / "1" / "positives" / "indptr.npy").exists()
    memory: Arrays = {}
    for path in files.folder.rglob("*.arrays"):
        memory |= read_arrays(path)
    for shard in range(2):
        files.train(Task("train", shard, 1, 0))
        memory |= {f"{shard}/{name}": np.empty_like(memory[name]) for name in list(memory) if name.startswith("items/")}
    files.read_trained(memory, Task("train", 0, 1, 0))
    names = {path.relative_to(files.folder).as_posix() for path in files.folder.rglob("*") if path.suffix == ".arrays"}
    of_shards = {f"round-1/{shard}.{kind}.arrays" for shard in range(2) for kind in ("users", "copies")}
    assert names == {"round-1/merged.arrays", *of_shards}
    # Round 1 of epoch 2 after three of epoch 1.
    files.write_merged(memory, Task("train", 0, 2, 0))
    assert (files.folder / "round-4" / "merged.arrays").exists()


def test_a_task_that_runs_again_writes_the_same(files: RoundFiles) -> None:
    task, round_folder = Task("train", 1, 1, 0), files.folder / "round-1"
    files.train(task)
    written = {path.name: contents(path) for path in round_folder.glob("1.*")}
    assert set(written) == {"1.users.arrays", "1.copies.arrays"}
    assert (
        written["1.users.arrays"]["1/users/vectors"]
        != contents(files.folder / "round-0/1.users.arrays")["1/users/vectors"]
    )
    inode = (round_folder / "1.copies.arrays").stat().st_ino
    files.train(task)
    # Whoever reads it meanwhile keeps its file.
    assert (round_folder / "1.copies.arrays").stat().st_ino == inode
    # As after a worker that was killed between its two files.
    (round_folder / "1.copies.arrays").unlink()
    files.train(task)
    assert {path.name: contents(path) for path in round_folder.iterdir() if path.name in written} == written
    assert not [path for path in round_folder.iterdir() if path.name.startswith(".")]


def test_a_late_task_brings_no_removed_folder_back(files: RoundFiles) -> None:
    shutil.rmtree(files.folder)
    with pytest.raises(FileNotFoundError):
        files.train(Task("train", 1, 1, 0))
    assert not files.folder.exists()


def test_a_master_that_does_not_answer_is_named_before_anything_starts(
    planted: Any, data: TrainingData, tmp_path: Path
) -> None:
    changes = {"train_shards": 2, "train_on": "spark", "spark_master": "spark://127.0.0.1:1"}
    settings = planted.settings.model_copy(update=changes)
    inputs = data.train, data.user_features, data.item_features
    with refused(NightjarError, "spark_master_unreachable", setting="NIGHTJAR_SPARK_MASTER"):
        fit(*inputs, settings, lambda _: None, None, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_stage_has_its_files_among_its_checkpoints_and_a_search_trains_on_its_machine(
    planted: Any, data: TrainingData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sharded_fit, "SparkWorkers", FilesWithoutSpark)
    changes = {"train_shards": 2, "train_workers": 1, "epochs": 1, "train_on": "spark"}
    settings = planted.settings.model_copy(update=changes)
    fit_candidate(data.train_part, settings)
    assert not list(tmp_path.iterdir())
    fit_candidate(data.train_part, settings, log=LongFit(checkpoints=tmp_path))
    assert (tmp_path / "round-8" / "1.users.arrays").exists()


class NeverReplies:
    """In the place of the process of an application that waits for a cluster."""

    stdin = None

    def __init__(self, command: list[str], *, pass_fds: tuple[int, ...], **_: Any) -> None:
        self._replies = os.dup(pass_fds[0])

    def wait(self) -> None:
        os.close(self._replies)


def test_a_master_that_is_lost_while_a_round_waits_for_it_is_named(
    planted: Any, data: TrainingData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(spark_workers, "_SECONDS_UNTIL_A_CHECK", 0.01)
    monkeypatch.setattr(spark_workers.subprocess, "Popen", NeverReplies)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = planted.settings.model_copy(update={"train_shards": 2, "train_on": "spark"})
        checks: list[str] = []

        def check(url: str) -> None:
            checks.append(url)
            # It answers at the start, and to the first check after it.
            check_master(f"spark://127.0.0.1:{listener.getsockname()[1] if len(checks) < 3 else 1}")

        monkeypatch.setattr(spark_workers, "check_master", check)
        with refused(NightjarError, "spark_master_unreachable", value="spark://127.0.0.1:1"):
            fit(data.train, data.user_features, data.item_features, settings, lambda _: None, None, tmp_path)
    assert len(checks) == 3
    assert not list(tmp_path.iterdir())


def test_one_shard_trains_in_the_process_itself(planted: Any, data: TrainingData, tmp_path: Path) -> None:
    changes = {"train_shards": 1, "epochs": 1, "train_on": "spark", "spark_master": "spark://127.0.0.1:1"}
    inputs = data.train, data.user_features, data.item_features
    users, _ = fit(*inputs, planted.settings.model_copy(update=changes), lambda _: None, None, tmp_path)
    assert users.is_trained.any()
