"""`python -m benchmarks.sequence_warm_start WAREHOUSE`: the sequence model along a chain of runs, and from scratch.

WAREHOUSE is a DuckDB file into which `nightjar import` read a data set with clock times. Each user's last item is kept
aside. Of the rest, growing parts are fitted, oldest events first: the first from scratch, each later one warm-started
from the one before, and each from scratch. Prints epochs, CPU seconds, NDCG@10 of the newest items that judge the
epochs, and recall@10 of the items kept aside. docs/experiments/warm-start.md has the figures.
"""

import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.events import Events, read_events
from benchmarks.quality.protocols import last_one
from ml.models.base import LongFit, NamedArrays
from ml.models.sequence_data import SequenceData, draws_of
from ml.models.sequence_network import FittedNetwork, fit_network
from ml.models.sequence_windows import OrderedItems, Shape, mean_features
from nightjar.contract.artifacts.sources import History
from nightjar.contract.settings import Settings

K = 10


def data_of(events: Events, features: sparse.csr_matrix, names: NDArray[np.object_], seed: int) -> SequenceData:
    """Return what a fit on some events learns from."""
    place, counts = events.place_in_user()
    shape = (len(events.user_ids), len(events.item_ids))
    ranks = sparse.csr_matrix(((counts[events.users] - place).astype(np.float32), (events.users, events.items)), shape)
    ordered = OrderedItems.of(History(ranks.sign(), ranks))
    return SequenceData(ordered, features, draws_of(events.user_ids, seed), events.item_ids[ordered.warm], names)


def read_features(warehouse: Path, item_ids: NDArray[np.object_]) -> tuple[sparse.csr_matrix, NDArray[np.object_]]:
    """Return the items' raw features, as the model takes them, and their names."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute("select distinct item_id, feature from raw.item_features order by all").fetchnumpy()
    names, columns = np.unique(rows["feature"].astype(object), return_inverse=True)
    row_of = {item: row for row, item in enumerate(item_ids)}
    kept = np.array([item in row_of for item in rows["item_id"]], np.bool_)
    items = np.array([row_of[item] for item in rows["item_id"][kept]], np.int64)
    ones = np.ones(len(items), np.float32)
    matrix = sparse.csr_matrix((ones, (items, columns[kept])), shape=(len(item_ids), len(names)))
    return mean_features(matrix, np.zeros(len(names), np.bool_)), names


def recall(fitted: FittedNetwork, train: Events, test: Events) -> float:
    """Return recall@10 of one item a user; only users and items with events in the training part count."""
    scores = fitted.users @ fitted.items.T
    scores[:, np.bincount(train.items, minlength=scores.shape[1]) == 0] = -np.inf
    scores[train.users, train.items] = -np.inf
    top = np.argsort(-scores[test.users], axis=1, kind="stable")[:, :K]
    has_events = np.bincount(train.users, minlength=len(scores))[test.users] > 0
    return float((top == test.items[:, None]).any(axis=1)[has_events].mean())


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the chain and print a line a fit."""
    parser = ArgumentParser(prog="benchmarks.sequence_warm_start", description=__doc__)
    parser.add_argument("warehouse", type=Path)
    parser.add_argument(
        "--parts", type=float, nargs="+", default=[0.85, 0.9, 0.95, 1.0], help="Fractions of the events."
    )
    parser.add_argument("--seed", type=int, default=Settings().seed)
    parser.add_argument("--chain-only", action="store_true", help="Fit nothing but the first part from scratch.")
    arguments = parser.parse_args(argv)
    events, settings = read_events(arguments.warehouse), Settings()
    features, names = read_features(arguments.warehouse, events.item_ids)
    is_last = last_one(events)
    rest, test = events.where(~is_last), events.where(is_last)
    shape = Shape(settings.sequence_dim, settings.sequence_length, settings.sequence_epochs, 0.0, arguments.seed)
    start: NamedArrays | None = None
    for part in arguments.parts:
        train = rest.where(np.arange(len(rest.users)) < part * len(rest.users))
        data = data_of(train, features, names, arguments.seed)
        starts = [start] if start is None or arguments.chain_only else [None, start]
        for each in starts:
            lines: list[str] = []
            began = time.process_time()
            fitted = fit_network(data, shape, each, LongFit(lines.append))
            seconds = time.process_time() - began
            values = [float(line.split("newest items ")[1].split(",")[0]) for line in lines]
            print(
                f"{part:.0%} {'from scratch' if each is None else 'warm-started'}: {len(values)} epochs, {seconds:.0f} "
                f"CPU seconds, NDCG@{K} {max(values):.4f}, recall@{K} {recall(fitted, train, test):.4f} "
                f"({' '.join(f'{value:.4f}' for value in values)})",
                flush=True,
            )
        start = fitted.left


if __name__ == "__main__":
    main()
