"""`python -m benchmarks.parallel_training --work WORK DATA...`: LightFM in shards against one shard.

DATA is a folder of a data set (`benchmarks.quality.data_sets`) or a size of generated data (`1m`). LightFM alone is
fitted with its default settings on each user's first 80 % of events, with the imported features; a line has recall@10
and NDCG@10 on the rest, CPU seconds of a fit by all processes, and the least wall seconds of an epoch.
docs/experiments/parallel-training.md has the figures.
"""

import resource
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.performance.generated_data import SIZES, write_files
from benchmarks.quality.data_sets import data_set_of, nightjar
from benchmarks.quality.evaluation import HeldOut, evaluate_recommendations, held_out_of, recommend
from benchmarks.quality.events import read_events
from benchmarks.quality.protocols import PROTOCOLS
from ml.models.lightfm import Epoch, fit, represent
from nightjar.contract.settings import Settings

_SEED = 20260101


@dataclass(frozen=True)
class Data:
    """What is fitted and what is held out."""

    pairs: sparse.csr_matrix
    user_features: sparse.csr_matrix
    item_features: sparse.csr_matrix
    held_out: HeldOut


def read_data(warehouse: Path, settings: Settings) -> Data:
    """Read the events and features of a warehouse file."""
    train, test = PROTOCOLS[0].split(read_events(warehouse))
    users, items = (
        _features(warehouse, side, ids) for side, ids in (("user", train.user_ids), ("item", train.item_ids))
    )
    return Data(train.matrix(settings.recency_rank_power), users, items, held_out_of(train, test))


def measure(data: Data, settings: Settings) -> dict[str, float]:
    """Fit once and return recall, NDCG and seconds."""
    epochs: list[float] = []
    before = _cpu_seconds()

    def watch(epoch: Epoch) -> None:
        epochs.append(epoch.seconds)

    factors = fit(data.pairs, data.user_features, data.item_features, settings, watch)
    cpu = _cpu_seconds() - before
    users, _ = represent(data.user_features, factors[0])
    items, biases = represent(data.item_features, factors[1])
    lists = recommend(lambda rows: users[rows] @ items.T + biases, data.held_out)
    found = evaluate_recommendations(lists, data.held_out)
    return {"recall": found["recall"], "ndcg": found["ndcg"], "cpu": cpu, "epoch": min(epochs)}


def imported(name: str, work: Path) -> Path:
    """Return the warehouse file of a data set, imported into a home of its own below the work folder."""
    home = work / Path(name).name
    if name not in SIZES:
        return data_set_of(Path(name)).imported(home)
    if not (home / "warehouse.duckdb").exists():
        files = write_files(SIZES[name], home / "files")
        options = [part for kind, path in files.items() for part in (f"--{kind.replace('_', '-')}", str(path))]
        nightjar(home, "import", "files", *options)
    return home / "warehouse.duckdb"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a line for each number of shards and workers."""
    parser = ArgumentParser(prog="benchmarks.parallel_training", description="LightFM in shards against one shard.")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=Settings.model_fields["epochs"].default)
    arguments = parser.parse_args(argv)
    for name in arguments.data:
        data = read_data(imported(name, arguments.work), Settings())
        users, items = data.pairs.shape
        print(f"{Path(name).name}: {data.pairs.nnz} pairs, {users} users, {items} items", flush=True)
        for shards in arguments.shards:
            for workers in arguments.workers if shards > 1 else [1]:
                given = {"train_shards": shards, "train_workers": workers, "epochs": arguments.epochs}
                fits = [measure(data, Settings(seed=_SEED + each, **given)) for each in range(arguments.seeds)]
                mean = {key: np.mean([each[key] for each in fits]) for key in ("recall", "ndcg", "cpu")}
                fastest = min(each["epoch"] for each in fits)
                figures = f"recall {mean['recall']:.4f}, NDCG {mean['ndcg']:.4f}, {mean['cpu']:.1f} CPU s"
                print(f"  {shards} shards, {workers} workers: {figures}, {fastest:.2f} s an epoch", flush=True)


def _features(warehouse: Path, side: str, ids: NDArray[np.object_]) -> sparse.csr_matrix:
    """Return (rows, features): identities, then imported features."""
    query = f"select {side}_id, feature, any_value(weight) from raw.{side}_features group by all"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(query).fetchall()
    row_of = {each: number for number, each in enumerate(ids)}
    names = sorted({feature for _, feature, _ in rows})
    column_of = {feature: len(ids) + number for number, feature in enumerate(names)}
    known = [(row_of[each], column_of[feature], weight) for each, feature, weight in rows if each in row_of]
    of_rows, columns, weights = zip(*known, strict=True) if known else ((), (), ())
    identity = np.arange(len(ids))
    at = np.concatenate([identity, of_rows]).astype(int), np.concatenate([identity, columns]).astype(int)
    values = np.concatenate([np.ones(len(ids)), weights]).astype(np.float32)
    return sparse.csr_matrix((values, at), shape=(len(ids), len(ids) + len(names)))


def _cpu_seconds() -> float:
    of_both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in of_both)


if __name__ == "__main__":
    main()
