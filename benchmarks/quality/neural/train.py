"""Trains SASRec or gSASRec by RecTools and writes top-10 lists; runs in the environment of `make bench-neural-env`.

    train.py --model NAME --events FILE --users FILE --epochs N ... --length N --batch N --out DIR

Reads events (user, item: int64, in the order of time) and users (user: int64) as Parquet. Writes the lists after each
number of epochs, `DIR/N.npy`, (users, 10) int64 items, -1 where there is none, and `DIR/seconds.json`, the CPU seconds
of the training until then. One thread and a fixed seed.
"""

import json
import logging
import time
import warnings
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytorch_lightning
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

K, SEED = 10, 20260101
# Losses: the cross-entropy over all items, and that of gSASRec (Petrov and Macdonald 2023).
LOSSES = {
    "sasrec": {"loss": "softmax"},
    "gsasrec": {"loss": "gBCE", "n_negatives": 256, "gbce_t": 0.75},
}


def main() -> None:
    """Train, list, write."""
    arguments = _arguments()
    torch.set_num_threads(1)
    pytorch_lightning.seed_everything(SEED, verbose=False)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    events = pd.read_parquet(arguments.events)
    users = pd.read_parquet(arguments.users)["user"].to_numpy()
    dataset = _dataset(events)
    model = SASRecModel(
        **LOSSES[arguments.model],
        n_blocks=2,
        n_heads=2,
        n_factors=64,
        dropout_rate=0.2,
        session_max_len=arguments.length,
        batch_size=arguments.batch,
        lr=0.001,
        deterministic=True,
        recommend_torch_device="cpu",
    )
    seconds, done, spent = {}, 0, 0.0
    for epochs in sorted(arguments.epochs):
        started = time.process_time()
        model.fit_partial(dataset, min_epochs=epochs - done, max_epochs=epochs - done)
        spent += time.process_time() - started
        seconds[epochs], done = spent, epochs
        np.save(arguments.out / f"{epochs}.npy", _lists(model, dataset, users))
    (arguments.out / "seconds.json").write_text(json.dumps(seconds))


def _dataset(events: pd.DataFrame) -> Dataset:
    """Return the events as RecTools reads them: one a second, so that none are of the same time."""
    times = pd.Timestamp(2000, 1, 1) + pd.to_timedelta(np.arange(len(events)), unit="s")
    columns = {Columns.User: events["user"], Columns.Item: events["item"], Columns.Weight: 1.0, Columns.Datetime: times}
    return Dataset.construct(pd.DataFrame(columns))


def _lists(model: SASRecModel, dataset: Dataset, users: np.ndarray) -> np.ndarray:
    rows = model.recommend(users, dataset, k=K, filter_viewed=True, on_unsupported_targets="ignore")
    lists = np.full((len(users), K), -1, np.int64)
    row = pd.Index(users).get_indexer(rows[Columns.User])
    lists[row, rows[Columns.Rank].to_numpy() - 1] = rows[Columns.Item]
    return lists


def _arguments() -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("--model", choices=LOSSES, required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--users", type=Path, required=True)
    parser.add_argument("--epochs", type=int, nargs="+", required=True)
    parser.add_argument("--length", type=int, required=True, help="newest items of a user that count")
    parser.add_argument("--batch", type=int, required=True, help="users of a step")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
