"""Clicks of sessions, the prefixes to rank after, and the metrics of their next clicks.

Reads the `train.tsv` and `test.tsv` of a data set. Clicks of one time stand in the order of the file.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.quality.slist import WINDOW, Sequences

K = 20
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Clicks:
    """Clicks one session after the other, each in the order of time.

    Attributes:
        item_ids: (items,) text, of the items of the training part.
        items: (clicks,) index into `item_ids`, -1: training has no such item.
        sessions: (clicks,) numbers, ascending.
        seconds: (clicks,) since 1970.
    """

    item_ids: NDArray[np.object_]
    items: NDArray[np.int64]
    sessions: NDArray[np.int64]
    seconds: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_]) -> "Clicks":
        """Return some of the clicks."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ("items", "sessions", "seconds")})

    def sequences(self) -> Sequences:
        """Return the clicks as sequences."""
        starts = np.flatnonzero(np.diff(self.sessions, prepend=-1))
        counts = np.diff(np.append(starts, len(self.sessions)))
        place = np.arange(len(self.sessions)) - np.repeat(starts, counts)
        return Sequences(self.items, place, np.repeat(counts, counts) - 1 - place, len(self.item_ids))

    def starts(self) -> NDArray[np.float64]:
        """(clicks,) seconds of the first click of each one's session."""
        sequences = self.sequences()
        return self.seconds[np.arange(len(self.seconds)) - sequences.place]


@dataclass(frozen=True)
class Prefixes:
    """What was clicked before each click that follows another one of its session.

    Attributes:
        histories: (rows, WINDOW) items, the newest first, -1 where there is none or training has none.
        targets: (rows,) the item clicked next, -1: training has no such item.
        sessions: (rows,) number of the session.
    """

    histories: NDArray[np.int64]
    targets: NDArray[np.int64]
    sessions: NDArray[np.int64]


def read_clicks(folder: Path) -> tuple[Clicks, Clicks]:
    """Read the training part and the test part."""
    columns = {"SessionId": np.int64, "ItemId": str, "Time": np.float64}
    parts = [
        pd.read_csv(folder / f"{part}.tsv", sep="\t", dtype=columns).sort_values(["SessionId", "Time"], kind="stable")
        for part in ("train", "test")
    ]
    item_ids = np.unique(parts[0]["ItemId"].to_numpy(object))
    index = pd.Index(item_ids)
    train, test = (
        Clicks(
            item_ids,
            index.get_indexer(part["ItemId"]).astype(np.int64),
            np.unique(part["SessionId"], return_inverse=True)[1].astype(np.int64),
            part["Time"].to_numpy(),
        )
        for part in parts
    )
    return train, test


def without_last_day(clicks: Clicks) -> tuple[Clicks, Clicks]:
    """Split off the sessions that began in the last 24 hours: the validation window."""
    is_last = clicks.starts() > clicks.seconds.max() - _DAY_SECONDS
    return clicks.where(~is_last), clicks.where(is_last)


def prefixes_of(clicks: Clicks) -> Prefixes:
    """Return a row for each click but the first of its session."""
    sequences = clicks.sequences()
    rows = np.flatnonzero(sequences.place > 0)
    distance = np.arange(1, WINDOW + 1)
    before = np.maximum(rows[:, None] - distance, 0)
    histories = np.where(sequences.place[rows, None] >= distance, clicks.items[before], -1)
    return Prefixes(histories, clicks.items[rows], clicks.sessions[rows])


def evaluate_next_clicks(lists: NDArray[np.int64], prefixes: Prefixes) -> dict[str, Any]:
    """Hit rate and mean reciprocal rank of the next clicks, and the sums of both by session.

    Args:
        lists: (rows, K) items, -1 where a list has fewer.
        prefixes: of the rows.
    """
    targets = prefixes.targets[:, None]
    is_hit = (lists == targets) & (targets >= 0)
    found = is_hit.any(axis=1)
    values = {"hit_rate": found.astype(float), "mrr": np.where(found, 1 / (is_hit.argmax(axis=1) + 1), 0.0)}
    _, session = np.unique(prefixes.sessions, return_inverse=True)
    return {
        **{metric: float(each.mean()) for metric, each in values.items()},
        "listed": len(np.unique(lists[lists >= 0])),
        "prefixes": len(found),
        "by_session": {metric: np.bincount(session, each).tolist() for metric, each in values.items()},
    }
