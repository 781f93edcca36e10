"""Pairs of users and items in a run folder, as Spark writes them, with the pairs of the choice window beside them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.run_folder import RunFolder

Pairs = Sequence[tuple[int, int]]


def write_pairs(folder: RunFolder, train: Pairs, holdout: Pairs, *, choice_holdout: Pairs = ()) -> None:
    """Write the pairs of all parts, each of weight 1; nobody saw an item without liking it.

    Args:
        folder: of the run.
        train: pairs (user, item), a user's newest last.
        holdout: all of them newer.
        choice_holdout: those of `train` that are in the choice window.
    """
    window = set(choice_holdout)
    write_weighted(folder, "full_interactions", [*train, *holdout])
    write_weighted(folder, "train_interactions", train)
    write_weighted(folder, "choice_train_interactions", [pair for pair in train if pair not in window])
    for name, pairs in (("holdout", holdout), ("choice_holdout", choice_holdout)):
        _write(folder, name, _columns(pairs))
    for name in ("train_seen", "choice_train_seen"):
        _write(folder, name, _columns([]))


def write_weighted(folder: RunFolder, name: str, pairs: Pairs) -> None:
    """Write pairs of weight 1 with their newest ranks, a user's newest last."""
    later: Counter[int] = Counter()
    ranks = []
    for user, _ in reversed(pairs):
        later[user] += 1
        ranks.append(later[user])
    weighted = {"weight": pa.array([1.0] * len(pairs), pa.float64()), "newest_rank": pa.array(ranks[::-1], pa.int32())}
    _write(folder, name, _columns(pairs) | weighted)


def _columns(pairs: Pairs) -> dict[str, pa.Array]:
    return {
        name: pa.array([int(pair[place]) for pair in pairs], pa.int64())
        for place, name in enumerate(("user_index", "item_index"))
    }


def _write(folder: RunFolder, name: str, columns: dict[str, pa.Array]) -> None:
    target: Path = folder.features(name)
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), target / "part-0.parquet")
