"""Item-item weights of one model: how much each item of a user's history speaks for every other item.

Written by ml beside the embeddings and under their manifest, read by the Spark scoring job. A model without them ranks
by its embeddings alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

_PARTS = {"cooccurrence_weights": "data", "cooccurrence_items": "indices", "cooccurrence_starts": "indptr"}
_SHARE = "cooccurrence_share"


@dataclass(frozen=True)
class ItemWeights:
    """What item-item co-occurrence adds to the embeddings' scores.

    Attributes:
        share: its share of the blended score, above 0 and at most 1.
        weights: (items, items) float32 CSR, indices sorted; row: the item of the history, column: the item scored.
    """

    share: float
    weights: sparse.csr_matrix

    def write(self, folder: Path) -> None:
        """Write the arrays into the folder of a model that is being written."""
        for name, part in _PARTS.items():
            np.save(folder / f"{name}.npy", getattr(self.weights, part), allow_pickle=False)
        np.save(folder / f"{_SHARE}.npy", np.float64(self.share), allow_pickle=False)


def mapped(folder: Path) -> ItemWeights | None:
    """Map the weights of a model's folder into memory, whose manifest the caller has checked; None: it has none."""
    if not (folder / f"{_SHARE}.npy").exists():
        return None
    parts = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _PARTS]
    items = len(parts[-1]) - 1
    weights = sparse.csr_matrix(tuple(parts), shape=(items, items), copy=False)
    return ItemWeights(float(np.load(folder / f"{_SHARE}.npy", allow_pickle=False)), weights)
