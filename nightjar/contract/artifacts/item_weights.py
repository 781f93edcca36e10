"""Item-item weights of one model: how much each item of a user's history adds to the score of every other item.

Written by ml beside the embeddings and under their manifest, read by the Spark scoring job. A model without them ranks
by its embeddings alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_PARTS = {"cooccurrence_weights": "data", "cooccurrence_items": "indices", "cooccurrence_starts": "indptr"}
_RULE, _AVERAGE = "cooccurrence_rule", "cooccurrence_average"


@dataclass(frozen=True)
class ItemWeights:
    """What item-item co-occurrence adds to the embeddings' scores.

    Attributes:
        blend_weight: weight of co-occurrence in the blended score, above 0 and at most 1.
        history_exponent: power of the weights of a user's own items.
        weights: (items, items) float32 CSR, indices sorted; row: the item of the history, column: the item scored.
        average: (items,) float32, subtracted from each item's score per weight of the history; None: nothing.
        cold_blend_weight: as `blend_weight`, of cold items, whose weights come from their features.
    """

    blend_weight: float
    history_exponent: float
    weights: sparse.csr_matrix
    average: NDArray[np.float32] | None = None
    cold_blend_weight: float = 0.0

    def write(self, folder: Path) -> None:
        """Write the arrays into the folder of a model that is being written."""
        for name, part in _PARTS.items():
            np.save(folder / f"{name}.npy", getattr(self.weights, part), allow_pickle=False)
        rule = np.array([self.blend_weight, self.history_exponent, self.cold_blend_weight])
        np.save(folder / f"{_RULE}.npy", rule, allow_pickle=False)
        if self.average is not None:
            np.save(folder / f"{_AVERAGE}.npy", self.average, allow_pickle=False)


def raised(pairs: sparse.csr_matrix, exponent: float) -> sparse.csr_matrix:
    """Raise the weights of all pairs to a power; the power 0 makes them 1, and what is no pair stays none."""
    return sparse.csr_matrix((pairs.data**exponent, pairs.indices, pairs.indptr), shape=pairs.shape)


def mapped(folder: Path) -> ItemWeights | None:
    """Map the weights of a model's folder into memory, whose manifest the caller has checked; None: it has none."""
    if not (folder / f"{_RULE}.npy").exists():
        return None
    parts = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _PARTS]
    items = len(parts[-1]) - 1
    weights = sparse.csr_matrix(tuple(parts), shape=(items, items), copy=False)
    # A model of an earlier version has no third number and no weights for cold items.
    rule = [*np.load(folder / f"{_RULE}.npy", allow_pickle=False).tolist(), 0.0]
    blend_weight, history_exponent, cold_blend_weight = rule[:3]
    average = folder / f"{_AVERAGE}.npy"
    subtracted = np.load(average, allow_pickle=False) if average.exists() else None
    return ItemWeights(blend_weight, history_exponent, weights, subtracted, cold_blend_weight)
