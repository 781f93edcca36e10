"""Neural peers: SASRec and gSASRec, trained by `neural/train.py` in an environment of their own.

Their one choice is the number of epochs: one training on the events before the window writes lists at each number, and
the best of them is trained again on the whole training part.
"""

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.quality.evaluation import evaluate_recommendations, held_out_of
from benchmarks.quality.events import Events
from benchmarks.quality.peer_tuning import quality

# By the name on the page that of `neural/train.py`.
NEURAL_PEERS = {"SASRec, full cross-entropy": "sasrec", "gSASRec": "gsasrec"}
PYTHON = Path(".venv-neural/bin/python")
EPOCHS = (5, 10, 20, 40)
# A training scores every item at every place of a sequence; a billion scores take about ten CPU seconds.
MOST_SCORES = 120e9
_SCRIPT = Path(__file__).parent / "neural" / "train.py"
# Newest items of a user that count at most; fewer where fewer cover 95 % of the users.
_LENGTH = 100
# One thread; and freed blocks of logits stay with the process, else half of the time goes into asking for them again.
_VARIABLES = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)}


def are_installed() -> bool:
    """Whether `make bench-neural-env` has built their environment."""
    return PYTHON.exists()


def evaluated_neural_peer(model: str, before: Events, window: Events, train: Events, test: Events) -> dict[str, Any]:
    """Return the figures of a model of `NEURAL_PEERS` on the test part, with the CPU seconds of its last training.

    Raises:
        CalledProcessError: the training failed.
    """
    held_out, tried = held_out_of(before, window), epochs_of(before)
    lists, _ = _trained(model, before, held_out.users, tried)
    epochs = max(tried, key=lambda each: quality(evaluate_recommendations(lists[each], held_out)))
    held_out = held_out_of(train, test)
    lists, seconds = _trained(model, train, held_out.users, (epochs,))
    figures = evaluate_recommendations(lists[epochs], held_out)
    return {**figures, "choice": {"epochs": epochs}, "fit_seconds": seconds[epochs]}


def epochs_of(events: Events) -> tuple[int, ...]:
    """Return the numbers of epochs to try: those that keep to `MOST_SCORES`, at least the first."""
    scores = len(np.unique(events.users)) * sequence_length(events) * len(np.unique(events.items))
    return EPOCHS[:1] + tuple(each for each in EPOCHS[1:] if each * scores <= MOST_SCORES)


def sequence_length(events: Events) -> int:
    """Return the number of a user's newest items that count."""
    counts = np.bincount(events.users)
    return int(min(_LENGTH, np.quantile(counts[counts > 0], 0.95, method="inverted_cdf")))


def batch_size(events: Events) -> int:
    """Return the users of a step: a power of two that makes about fifty steps an epoch, 16 to 128."""
    steps = max(1, len(np.unique(events.users)) // 50)
    return int(np.clip(2 ** int(np.log2(steps)), 16, 128))


def _trained(
    model: str, events: Events, users: NDArray[np.int64], epochs: tuple[int, ...]
) -> tuple[dict[int, NDArray[np.int64]], dict[int, float]]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        pq.write_table(pa.table({"user": events.users, "item": events.items}), folder / "events.parquet")
        pq.write_table(pa.table({"user": users}), folder / "users.parquet")
        arguments = {
            "model": [model],
            "events": [folder / "events.parquet"],
            "users": [folder / "users.parquet"],
            "epochs": epochs,
            "length": [sequence_length(events)],
            "batch": [batch_size(events)],
            "out": [folder],
        }
        options = [str(part) for option, values in arguments.items() for part in (f"--{option}", *values)]
        command = [str(PYTHON), str(_SCRIPT), *options]
        with (folder / "log").open("w") as log:
            subprocess.run(command, env={**os.environ, **_VARIABLES}, stdout=log, check=True)
        seconds = {int(each): value for each, value in json.loads((folder / "seconds.json").read_text()).items()}
        return {each: np.load(folder / f"{each}.npy") for each in epochs}, seconds
