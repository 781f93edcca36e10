"""The validation window: the snapshot of a run without what the run holds out.

build_features splits it as it splits a run's snapshot, so the newest remaining items of each user become the truth that
trials are evaluated on. Nothing of the run's holdout is in it.
"""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.atomic_files import file_written_aside
from nightjar.contract.run_folder import RunFolder

_PAIR = ["user_id", "item_id"]


def leave_out_holdout(run: RunFolder, window: RunFolder) -> int:
    """Write the window's snapshot; return its number of events.

    Args:
        run: a folder with snapshot and features.
        window: the folder that gets the snapshot.
    """
    link_snapshot(run, window)
    kept = without_pairs(pq.read_table(run.snapshot("interactions")), held_out_pairs(run))
    with file_written_aside(window.snapshot("interactions")) as aside:
        pq.write_table(kept, aside, compression="zstd")
    return int(kept.num_rows)


def link_snapshot(source: RunFolder, target: RunFolder) -> None:
    """Give the target the snapshot of the source; the files are never changed, only replaced."""
    snapshot = target.path / "snapshot"
    shutil.rmtree(snapshot, ignore_errors=True)
    shutil.copytree(source.path / "snapshot", snapshot, copy_function=_link)


def held_out_pairs(run: RunFolder) -> pa.Table:
    """Return the pairs (user_id, item_id) of the run's holdout."""
    pairs = pq.read_table(run.features("holdout"))
    for side in ("user", "item"):
        ids = pq.read_table(run.features(f"{side}_ids"), columns=[f"{side}_index", f"{side}_id"])
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
