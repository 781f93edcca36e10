"""Shards that a Spark application on this machine trains; test_cluster.py of the Spark jobs trains on a cluster."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ml.data.training_data import TrainingData, read_training_data
from ml.models import sharded_fit
from ml.models.lightfm import Epoch, FactorsWithGradients, fit
from ml.models.spark_workers import SparkWorkers
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.refusals import refused

_PLANTED = "canary-of-the-stage"
_ENDS_WITHIN_SECONDS = 60


@pytest.fixture(scope="module")
def data(planted: Any) -> TrainingData:
    return read_training_data(planted.folder.features_folder)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SparkWorkers]:
    """The applications of the fits of a test."""
    applications: list[SparkWorkers] = []

    def start(*arguments: Any) -> SparkWorkers:
        applications.append(SparkWorkers(*arguments))
        return applications[-1]

    monkeypatch.setattr(sharded_fit, "SparkWorkers", start)
    monkeypatch.setattr(sharded_fit, "rounds_of", lambda *_: 3)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    return applications


def settings_of(planted: Any, **changes: Any) -> Settings:
    update = {"train_shards": 4, "train_workers": 1, "epochs": 2, "user_alpha": 1e-3, **changes}
    settings: Settings = planted.settings.model_copy(update=update)
    return settings


def bits(factors: tuple[FactorsWithGradients, ...]) -> list[bytes]:
    return [getattr(side, name).tobytes() for side in factors for name in sorted(vars(side))]


def test_tasks_of_spark_give_the_bits_of_processes_and_get_no_secret(
    planted: Any, data: TrainingData, started: list[SparkWorkers], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inputs = data.train, data.user_features, data.item_features
    # test_shard_workers.py compares one process with two and four.
    local = bits(fit(*inputs, settings_of(planted), lambda _: None))
    for name in ("NIGHTJAR_POSTGRES_PASSWORD", "AIRFLOW_CONN_DB", "PYSPARK_TOKEN"):
        monkeypatch.setenv(name, _PLANTED)
    seen: set[psutil.Process] = set()
    names: list[str] = []

    def look(epoch: Epoch) -> None:
        driver = psutil.Process(started[0].process.pid)
        for each in {driver, *driver.children(recursive=True)} - seen:
            # A worker may end meanwhile.
            with suppress(psutil.NoSuchProcess):
                assert _PLANTED not in [*each.environ().values(), *each.cmdline()]
                names.append("java" if each.name() == "java" else "python")
                seen.add(each)

    on_spark = fit(*inputs, settings_of(planted, train_on="spark", spark_master="local[2]"), look, None, tmp_path)
    assert bits(on_spark) == local
    # The driver, its JVM, and below that Python's daemon with at least one worker.
    assert names.count("java") == 1
    assert names.count("python") >= 3
    assert not list(tmp_path.iterdir())
    assert psutil.wait_procs(seen, timeout=_ENDS_WITHIN_SECONDS)[1] == []


def test_an_application_that_dies_is_named_and_leaves_no_files(
    planted: Any, data: TrainingData, started: list[SparkWorkers], tmp_path: Path
) -> None:
    def kill_the_jvm(epoch: Epoch) -> None:
        assert len(list(tmp_path.glob("lightfm-*/round-*"))) == 1
        for each in psutil.Process(started[0].process.pid).children(recursive=True):
            if each.name() == "java":
                each.kill()

    settings = settings_of(planted, train_on="spark", spark_master="local[2]")
    with refused(NightjarError, "spark_training_failed", setting="NIGHTJAR_SPARK_MASTER", value="local[2]"):
        fit(data.train, data.user_features, data.item_features, settings, kill_the_jvm, None, tmp_path)
    assert not list(tmp_path.iterdir())
