"""Popularity, trending items and segments of a run folder, as Spark writes them, from the pairs that are in it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import EVERYONE
from nightjar.contract.trending import TRENDING_HALF_LIVES_DAYS

# Trending is what the first users like: another order than that of popularity.
TRENDSETTERS = 10


def write_popularity(folder: RunFolder, segments: Mapping[int, str] | None = None) -> None:
    """Count the users of each item: written again wherever pairs or items are replaced.

    Args:
        folder: with item_ids and what `write_pairs` writes.
        segments: of users by index.
    """
    segments = segments or {}
    items = sorted(_rows(folder, "item_ids"), key=lambda row: row["item_index"])
    full, train = _pairs(folder, "full_interactions"), _pairs(folder, "train_interactions")
    before_choice = _pairs(folder, "choice_train_interactions")
    available = [row for row in items if row["is_available"]]
    _write(folder, "popularity", _lists(full, available, segments))
    for name, pairs, held_out in (("", train, "holdout"), ("choice_", before_choice, "choice_holdout")):
        consumed = {item for _, item in _pairs(folder, held_out)}
        competing = [row for row in items if row["is_available"] or row["item_index"] in consumed]
        _write(folder, f"{name}train_popularity", _lists(pairs, competing, segments))
    trending = {"score": full, "train_score": train, "choice_train_score": before_choice}
    counts = {name: Counter(item for user, item in pairs if user < TRENDSETTERS) for name, pairs in trending.items()}
    occurring = sorted({item for _, item in full})
    scores = {name: [float(of[item]) for item in occurring] for name, of in counts.items()}
    rows = {"item_index": pa.array(occurring, pa.int64()), **scores}
    # The same for each half-life.
    by_half_life = [pa.table({"half_life_days": [each] * len(occurring), **rows}) for each in TRENDING_HALF_LIVES_DAYS]
    _write(folder, "trending", pa.concat_tables(by_half_life))
    columns = {"user_index": pa.array(segments, pa.int64()), "segment": pa.array(segments.values(), pa.string())}
    _write(folder, "user_segments", pa.table(columns))


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
