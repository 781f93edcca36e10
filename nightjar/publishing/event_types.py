"""Weight and number of events of each event type of a run: `snapshot/event_types.json` of its run folder.

`unload` writes it from the weights of the snapshot's events, so that later changes of the weights do not alter it. The
report reads it, and the training logs it to MLflow.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from nightjar.contract.atomic_files import write_text
from nightjar.contract.run_folder import RunFolder


@dataclass(frozen=True)
class EventType:
    """One row of the weights, or a type without one; the fields are the keys of the file.

    Attributes:
        event_type: as the facts write it.
        weight: of an event.
        min_value: smallest value that the row holds for; None: any.
        half_life_days: days after which the weight is halved; None: no decay.
        events: events of the type in the snapshot, whatever their value.
        is_known: whether the type has a weight of its own.
    """

    event_type: str
    weight: float
    min_value: float | None
    half_life_days: float | None
    events: int
    is_known: bool


def write(folder: RunFolder) -> None:
    """Write the file from the snapshot's `event_weights` and `interactions`."""
    found = _types_in_snapshot(folder)
    weights = pq.read_table(folder.snapshot("event_weights")).to_pylist()
    rows = [EventType(**row, events=found.get(row["event_type"], (0, 0.0))[0], is_known=True) for row in weights]
    for name in sorted(set(found) - {row["event_type"] for row in weights}):
        events, weight = found[name]
        rows.append(EventType(name, weight, None, None, events, is_known=False))
    write_text(path_in(folder), json.dumps([asdict(row) for row in rows], indent=2))


def read(folder: RunFolder) -> list[EventType]:
    """Read the file, the most frequent type first; a run of an earlier version has none."""
    path = path_in(folder)
    if not path.exists():
        return []
    rows = [EventType(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    return sorted(rows, key=lambda row: (-row.events, row.event_type))


def path_in(folder: RunFolder) -> Path:
    """Return the path of the file."""
    return folder.path / "snapshot" / "event_types.json"


def _types_in_snapshot(folder: RunFolder) -> dict[str, tuple[int, float]]:
    """Return for each event type in the snapshot its number of events and their largest weight."""
    # As a dictionary, which keeps the text of each type once.
    events = pq.read_table(
        folder.snapshot("interactions"), columns=["event_type", "event_weight"], read_dictionary=["event_type"]
    )
    found = events.group_by("event_type").aggregate([([], "count_all"), ("event_weight", "max")]).to_pylist()
    return {each["event_type"]: (each["count_all"], each["event_weight_max"]) for each in found}
