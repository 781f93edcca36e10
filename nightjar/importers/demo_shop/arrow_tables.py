"""Turns the arrays of the demo shop into Arrow tables with the columns of the raw tables."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FeatureBlock = tuple[NDArray[np.int64], NDArray[np.str_], float, NDArray[np.int64]]
"""Index of the carriers, their feature, its weight, and since when (unix seconds)."""


def instants(seconds: NDArray[np.int64], is_missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return unix seconds as UTC timestamps, null where missing."""
    safe = seconds if is_missing is None else np.where(is_missing, 0, seconds)
    return pa.array(safe, mask=is_missing).cast(pa.timestamp("s", tz="UTC"))


def feature_table(id_column: str, ids: NDArray[np.str_], blocks: Sequence[FeatureBlock]) -> pa.Table:
    """Join blocks of features to one table: the id column, feature, weight, recorded_at."""
    return pa.table(
        {
            id_column: ids[np.concatenate([carriers for carriers, _, _, _ in blocks])],
            "feature": np.concatenate([features for _, features, _, _ in blocks]),
            "weight": np.concatenate([np.full(len(carriers), weight) for carriers, _, weight, _ in blocks]),
            "recorded_at": instants(np.concatenate([since for _, _, _, since in blocks])),
        }
    )


def features_of(kind: str, values: Sequence[str]) -> NDArray[np.str_]:
    """Return the features `kind:value`."""
    return np.array([f"{kind}:{value}" for value in values])
