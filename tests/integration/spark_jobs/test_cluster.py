"""Both jobs, on MovieLens 100K, and a training on a cluster of two workers: the same bits as in one process."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from ml.data.training_data import read_training_data
from ml.models import sharded_fit
from ml.models.lightfm import FactorsWithGradients, fit
from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import COLD, WARM, HistoryRule, ItemScores, ItemWeights, Source
from nightjar.contract.run_folder import RunFolder
from tests.support.spark_cluster import SparkCluster, below, wait_for
from tests.support.spark_submit import start, submit

BUILD = {
    "as_of": "1998-04-23T00:00:00+00:00",
    "min_feature_support": 3,
    "recency_rank_power": 2.0,
    "cold_holdout_fraction": 0.05,
    "domain_holdout_fraction": 0.1,
    "popularity_half_life_days": 90.0,
    "min_segment_users": 20,
}
# Blocks of a few users make each of the 16 tasks long enough to be under way when its worker dies.
SCORE = {"top_k": 10, "similar_k": 10, "popular_k": 50, "block_users": 4}
OUTPUTS = ("recommendations", "similar_items", "popular_items")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> RunFolder:
    """A run whose jobs ran in one process each."""
    folder = RunFolder(tmp_path_factory.mktemp("local"))
    write_snapshot(folder, shared_data / "ml-100k")
    assert submit("build_features", folder, **BUILD).returncode == 0
    write_model(folder)
    assert submit("score_users", folder, **SCORE).returncode == 0
    return folder


@pytest.fixture(scope="module")
def on_cluster(tmp_path_factory: pytest.TempPathFactory, local: RunFolder, spark_cluster: SparkCluster) -> RunFolder:
    """A run of the same snapshot, whose features two workers built."""
    folder = RunFolder(tmp_path_factory.mktemp("cluster"))
    (folder.path / "snapshot").symlink_to(local.path / "snapshot")
    (folder.path / "model").symlink_to(local.path / "model")
    # More and other splits than in one process.
    done = submit("build_features", folder, spark_cluster.url, {"spark.sql.shuffle.partitions": "5"}, **BUILD)
    assert done.returncode == 0, done.stdout
    return folder


def test_the_features_are_the_same_bits(local: RunFolder, on_cluster: RunFolder) -> None:
    names = sorted(path.name for path in local.features("seen").parent.iterdir())
    assert len(names) == 20
    assert sorted(path.name for path in on_cluster.features("seen").parent.iterdir()) == names
    for name in names:
        assert contents(on_cluster.features(name)).equals(contents(local.features(name))), name


def test_a_worker_that_is_killed_while_it_scores_changes_nothing(
    local: RunFolder, on_cluster: RunFolder, spark_cluster: SparkCluster, tmp_path: Path
) -> None:
    log = {"enabled": "true", "compress": "false", "dir": tmp_path.as_uri()}
    conf = {f"spark.eventLog.{name}": value for name, value in log.items()} | {"spark.sql.shuffle.partitions": "16"}
    spark_cluster.have_workers(2)
    process = start("score_users", on_cluster, spark_cluster.url, conf, **SCORE)
    half_written = on_cluster.output(".recommendations.aside")

    def scored_in_part() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return any(half_written.glob("_temporary/0/task_*"))

    wait_for(scored_in_part, "a first part of the recommendations")
    victim = spark_cluster.workers[0]
    assert spark_cluster.executor(victim) is not None
    spark_cluster.kill(victim)
    assert not on_cluster.output("recommendations").exists()
    output, _ = process.communicate()
    assert process.returncode == 0, output
    events = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file())
    # It really worked when it died, and Spark itself gave its task to the other one.
    assert '"Reason":"ExecutorLostFailure"' in events
    for name in OUTPUTS:
        assert contents(on_cluster.output(name)).equals(contents(local.output(name))), name


def test_a_worker_that_is_killed_while_it_trains_changes_nothing(
    planted: Any, spark_cluster: SparkCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharded_fit, "rounds_of", lambda *_: 3)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    # Spark reads its defaults there.
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    log = {"enabled": "true", "compress": "false", "dir": (tmp_path / "events").as_uri()}
    (tmp_path / "events").mkdir()
    (tmp_path / "spark-defaults.conf").write_text("".join(f"spark.eventLog.{key} {log[key]}\n" for key in log))
    data = read_training_data(planted.folder.features_folder)
    changes = {"train_shards": 4, "train_workers": 1, "epochs": 4, "user_alpha": 1e-3}
    settings = planted.settings.model_copy(update=changes)
    inputs = data.train, data.user_features, data.item_features
    local = fit(*inputs, settings, lambda _: None)
    spark_cluster.have_workers(2)
    victim, files = spark_cluster.workers[0], tmp_path / "files"

    def is_held() -> bool:
        before = sorted(files.rglob("*.arrays"))
        time.sleep(1)
        return sorted(files.rglob("*.arrays")) == before

    def kill() -> None:
        wait_for(lambda: any(files.glob("*/round-2")), "the second round")
        assert spark_cluster.executor(victim) is not None
        # With the task that it has or gets, so that it is killed in the middle of one.
        for each in below(victim.pid):
            each.send_signal(signal.SIGSTOP)
        try:
            wait_for(is_held, "a round that cannot end")
        finally:
            spark_cluster.kill(victim)

    killer = threading.Thread(target=kill)
    killer.start()
    on_cluster = settings.model_copy(update={"train_on": "spark", "spark_master": spark_cluster.url})
    factors = fit(*inputs, on_cluster, lambda _: None, None, files)
    killer.join()
    events = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "events").rglob("*") if path.is_file())
    assert '"Reason":"ExecutorLostFailure"' in events
    assert bits(factors) == bits(local)
    assert not list(files.iterdir())


def bits(factors: tuple[FactorsWithGradients, ...]) -> list[bytes]:
    return [getattr(side, name).tobytes() for side in factors for name in sorted(vars(side))]


def contents(folder: Path) -> pa.Table:
    """All rows of a Parquet folder in an order that does not depend on its files."""
    table = ds.dataset(folder, format="parquet").to_table()
    return table.sort_by([(name, "ascending") for name in table.column_names]).combine_chunks()


def write_snapshot(folder: RunFolder, movielens: Path) -> None:
    columns = csv.ReadOptions(column_names=["user_id", "item_id", "value", "seconds"])
    rated = csv.read_csv(movielens / "u.data", columns, csv.ParseOptions(delimiter="\t"))
    stars = rated["value"].to_numpy()
    users, items = (rated[name].cast(pa.string()) for name in ("user_id", "item_id"))
    carriers = {"user": pc.unique(users), "item": pc.unique(items)}
    kinds = {side: np.arange(len(ids)) for side, ids in carriers.items()}
    none = pa.array([None] * max(len(ids) for ids in carriers.values()), pa.string())
    tables = {
        "interactions": {
            "event_id": pa.array(np.arange(len(stars))).cast(pa.string()),
            "user_id": users,
            "item_id": items,
            "event_type": pa.array(["rating"] * len(stars)),
            "value": stars.astype(float),
            # A low rating is seen but not liked.
            "event_weight": np.where(stars >= 3, stars - 2.0, 0.0),
            "half_life_days": np.full(len(stars), 30.0),
            "occurred_at": pa.array(rated["seconds"].to_numpy() * 1_000_000, pa.timestamp("us", "UTC")),
        },
        "items": {
            "item_id": carriers["item"],
            "domain": pa.array(["books", "films"]).take(pa.array(kinds["item"] % 2)),
            "title": none[: len(carriers["item"])],
            "is_available": kinds["item"] % 17 != 0,
        },
        "users": {
            "user_id": carriers["user"],
            "created_at": none[: len(carriers["user"])].cast(pa.timestamp("us", "UTC")),
        },
        **{
            f"{side}_features": {
                f"{side}_id": ids,
                "feature": pa.array([f"kind:{number % 19}" for number in kinds[side]]),
                "weight": 1 / (1 + kinds[side] % 7),
            }
            for side, ids in carriers.items()
        },
    }
    folder.snapshot("items").parent.mkdir()
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder.snapshot(name))


def write_model(folder: RunFolder) -> None:
    random = np.random.default_rng(3)
    ids = {
        side: ds.dataset(folder.features(f"{side}_ids")).to_table().sort_by(f"{side}_index")[f"{side}_id"].to_numpy()
        for side in ("user", "item")
    }
    arrays = {}
    for side, named in ids.items():
        arrays[f"{side}_ids"] = named
        arrays[f"{side}_vectors"] = random.normal(size=(len(named), 64)).astype(np.float32)
        arrays[f"{side}_biases"] = random.normal(size=len(named)).astype(np.float32)
        arrays[f"{side}_sources"] = random.choice(3, len(named), p=[0.05, 0.05, 0.9]).astype(np.int8)
    items = len(ids["item"])
    weights = sparse.random(items, items, density=0.05, format="csr", dtype=np.float32, random_state=4)
    is_cold = sparse.diags((arrays["item_sources"] == 1).astype(np.float32))
    others = (
        Source("ease", 0.4, ItemWeights(weights, HistoryRule(2.0))),
        Source("content", 0.4, ItemWeights(sparse.csr_matrix(weights @ is_cold)), COLD),
        Source("trending", 0.1, ItemScores(random.random(items).astype(np.float32)), WARM, 0.5, 0.3),
        Source("transitions", 0.2, ItemWeights(weights, HistoryRule(0.0, 20, 4.0)), WARM, 0.1),
    )
    model_folder.save(ModelSources(Embeddings(**arrays), others), folder.model)
