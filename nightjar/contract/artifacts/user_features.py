"""The vectors of one model's user features, by which a user who registered since gets a vector without training.

Written by ml beside the embeddings and under their manifest, read where recommendations are requested for one user.
Identities are left out: no later user has one of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_TABLE, _VECTORS, _RULE = "user_features", "user_feature_vectors", "user_feature_rule"


@dataclass(frozen=True)
class UserFeatures:
    """The user features of one model.

    Attributes:
        names: (n,) text, `kind:value`, or `kind:(rare)` for what too few users carry.
        carriers: (n,) int64 users that carry the feature.
        is_informative: (n,) whether it makes a user who carries it known to the model.
        vectors: (n, dim) float32.
        max_weight: sum of one user's weights; larger sums are scaled down to it.
    """

    names: NDArray[np.object_]
    carriers: NDArray[np.int64]
    is_informative: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    max_weight: float

    def write(self, folder: Path) -> None:
        """Write the arrays into the folder of a model that is being written."""
        columns = {
            "feature": pa.array(self.names, pa.string()),
            "users": pa.array(self.carriers, pa.int64()),
            "is_telling": pa.array(self.is_informative, pa.bool_()),
        }
        pq.write_table(pa.table(columns), folder / f"{_TABLE}.parquet")
        np.save(folder / f"{_VECTORS}.npy", np.ascontiguousarray(self.vectors), allow_pickle=False)
        np.save(folder / f"{_RULE}.npy", np.array([self.max_weight]), allow_pickle=False)


def read_user_features(folder: Path) -> UserFeatures | None:
    """Read them from a model's folder, whose manifest the caller has checked; None: a model of an earlier version."""
    if not (folder / f"{_RULE}.npy").exists():
        return None
    table = pq.read_table(folder / f"{_TABLE}.parquet")
    return UserFeatures(
        names=table["feature"].to_numpy(zero_copy_only=False),
        carriers=table["users"].to_numpy(),
        is_informative=table["is_telling"].to_numpy(zero_copy_only=False).astype(np.bool_),
        vectors=np.load(folder / f"{_VECTORS}.npy", allow_pickle=False),
        max_weight=float(np.load(folder / f"{_RULE}.npy", allow_pickle=False)[0]),
    )
