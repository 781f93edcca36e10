"""The validation window: the snapshot of a night without what the night holds out.

build_features splits it as it splits a night, so the newest items of each user that are left become the truth that
trials are judged on. Nothing of the night's holdout is in it.
"""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.atomic_files import file_written_aside
from nightjar.contract.run_folder import RunFolder

_PAIR = ["user_id", "item_id"]


def leave_out_holdout(night: RunFolder, window: RunFolder) -> int:
    """Write the window's snapshot; return its number of events.

    Args:
        night: a folder with snapshot and features.
        window: the folder that gets the snapshot.
    """
    link_snapshot(night, window)
    kept = without_pairs(pq.read_table(night.snapshot("interactions")), held_out_pairs(night))
    with file_written_aside(window.snapshot("interactions")) as aside:
        pq.write_table(kept, aside, compression="zstd")
    return int(kept.num_rows)


def link_snapshot(source: RunFolder, target: RunFolder) -> None:
    """Give the target the snapshot of the source; the files are never changed, only replaced."""
    snapshot = target.path / "snapshot"
    shutil.rmtree(snapshot, ignore_errors=True)
    shutil.copytree(source.path / "snapshot", snapshot, copy_function=_link)


def held_out_pairs(night: RunFolder) -> pa.Table:
    """Return the pairs (user_id, item_id) of the night's holdout."""
    pairs = pq.read_table(night.features("holdout"))
    for side in ("user", "item"):
        ids = pq.read_table(night.features(f"{side}_ids"), columns=[f"{side}_index", f"{side}_id"])
        pairs = pairs.join(ids, f"{side}_index", join_type="inner")
    return pairs.select(_PAIR)


def without_pairs(events: pa.Table, pairs: pa.Table) -> pa.Table:
    """Return the events whose pair is none of these, in their order."""
    numbered = events.append_column("place", pa.array(range(events.num_rows), pa.int64()))
    # A pair moves with all its events: one of them in the window would show what is held out.
    kept = numbered.select([*_PAIR, "place"]).join(pairs, _PAIR, join_type="left anti").sort_by("place")
    return events.take(kept.column("place"))


def _link(source: str, target: str) -> None:
    os.link(Path(source), Path(target))
