"""Popularity, trending items and segments of a run folder, as Spark writes them, from the pairs that are in it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import EVERYONE

# Trending is what the first users like: another order than that of popularity.
TRENDSETTERS = 10


def write_popularity(folder: RunFolder, segments: Mapping[int, str] | None = None) -> None:
    """Count the users of each item: written again wherever pairs or items are replaced.

    Args:
        folder: with item_ids, full_interactions, train_interactions and holdout.
        segments: of users by index.
    """
    segments = segments or {}
    items = sorted(_rows(folder, "item_ids"), key=lambda row: row["item_index"])
    full, train, held_out = (_pairs(folder, each) for each in ("full_interactions", "train_interactions", "holdout"))
    available = [row for row in items if row["is_available"]]
    consumed = {item for _, item in held_out}
    competing = [row for row in items if row["is_available"] or row["item_index"] in consumed]
    _write(folder, "popularity", _lists(full, available, segments))
    _write(folder, "train_popularity", _lists(train, competing, segments))
    trending, train_trending = (Counter(item for user, item in each if user < TRENDSETTERS) for each in (full, train))
    occurring = sorted({item for _, item in full})
    scores = {"score": [float(trending[item]) for item in occurring]}
    scores["train_score"] = [float(train_trending[item]) for item in occurring]
    _write(folder, "trending", pa.table({"item_index": pa.array(occurring, pa.int64()), **scores}))
    columns = {"user_index": pa.array(segments, pa.int64()), "segment": pa.array(segments.values(), pa.string())}
    _write(folder, "user_segments", pa.table(columns))
    # Nobody saw an item without liking it.
    nothing = pa.array([], pa.int64())
    _write(folder, "train_seen", pa.table({"user_index": nothing, "item_index": nothing}))


def _lists(pairs: list[tuple[int, int]], items: list[dict[str, Any]], segments: Mapping[int, str]) -> pa.Table:
    rows = []
    for segment in (EVERYONE, *sorted(set(segments.values()))):
        counts = Counter(item for user, item in pairs if segment in (EVERYONE, segments.get(user)))
        for domain in sorted({row["domain"] for row in items}):
            members = [row["item_index"] for row in items if row["domain"] == domain]
            listed = members if segment == EVERYONE else [item for item in members if counts[item]]
            best_first = sorted(listed, key=lambda item: (-counts[item], item))
            rows.extend(
                {"segment": segment, "domain": domain, "rank": rank, "item_index": item, "score": float(counts[item])}
                for rank, item in enumerate(best_first, 1)
            )
    # Not in the order of their ranks, as in Spark's files.
    return pa.Table.from_pylist(rows[::-1], _LIST)


_LIST = pa.schema(
    {
        "segment": pa.string(),
        "domain": pa.string(),
        "rank": pa.int32(),
        "item_index": pa.int64(),
        "score": pa.float64(),
    }
)


def _rows(folder: RunFolder, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder.features(name)).to_pylist()
    return rows


def _pairs(folder: RunFolder, name: str) -> list[tuple[int, int]]:
    return [(row["user_index"], row["item_index"]) for row in _rows(folder, name)]


def _write(folder: RunFolder, name: str, table: pa.Table) -> None:
    target: Path = folder.features(name)
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target / "part-0.parquet")
