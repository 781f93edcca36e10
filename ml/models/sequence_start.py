"""The weights that a fit of the sequence model leaves, by names of items and features, and how a later fit takes them.

Pure, without torch; `ml.models.warm_start_checkpoint` writes and reads the arrays. docs/decisions/sequence.md.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.models.base import NamedArrays
from ml.models.sequence_data import SequenceData

Weights = Mapping[str, NDArray[np.float32]]
# The network's tables with a row an item that occurs, and a row a feature.
ITEMS, FEATURES = "identities.weight", "features.weight"
_NAMES, _JUDGED = {ITEMS: "item_ids", FEATURES: "feature_names"}, "judged_fraction"


def left_by(weights: Weights, data: SequenceData, judged_fraction: float) -> NamedArrays:
    """Return what a later fit starts from.

    Args:
        weights: of the network by name.
        data: that it was fitted on.
        judged_fraction: of the users, whose newest items it was judged by.
    """
    # Bytes, because an array of text takes four of them for each character of the longest id.
    names = {
        name: np.array([str(each).encode() for each in getattr(data, name)], np.bytes_) for name in _NAMES.values()
    }
    return {**weights, **names, _JUDGED: np.array(judged_fraction)}


def judged_fraction_of(start: NamedArrays) -> float:
    """Return the fraction of the users that judged the fit that left these arrays."""
    return float(start[_JUDGED])


def taken_from(start: NamedArrays, data: SequenceData, initial: Weights) -> Weights | None:
    """Return the weights that a fit begins with.

    Args:
        start: what an earlier fit left.
        data: of this fit.
        initial: weights from scratch, by name; what is new keeps them.

    Returns:
        None where the earlier network had another shape.
    """
    rows = {table: _rows(start[name], getattr(data, name)) for table, name in _NAMES.items()}
    if start.keys() - {*_NAMES.values(), _JUDGED} != initial.keys():
        return None
    # Tables are equal but for the number of their rows.
    if any(start[name].shape[name in rows :] != each.shape[name in rows :] for name, each in initial.items()):
        return None
    taken: dict[str, NDArray[np.float32]] = {}
    for name, each in initial.items():
        taken[name] = start[name] if name not in rows else each.copy()
        if name in rows:
            has_row = rows[name] >= 0
            taken[name][has_row] = start[name][rows[name][has_row]]
    return taken


def _rows(saved: NDArray[np.bytes_], names: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the row of each name among those saved; -1: it is new."""
    row_of = {name: row for row, name in enumerate(saved.tolist())}
    return np.array([row_of.get(str(name).encode(), -1) for name in names], np.int64)
