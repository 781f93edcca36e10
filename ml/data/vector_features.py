"""Vectors of items and users as features: of LightFM, those of items also of the regressions that rank cold items.

Reads `item_vectors.parquet` and `user_vectors.parquet` of a snapshot; used wherever features are read for a fit.
docs/decisions/item-vectors.md has the reasons.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.data.encoded_features import principal_components, with_encoded_features
from ml.data.training_data import TrainingData
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings

# Of the regressions of cold items: more gained nothing, 16 found a fifth less (docs/decisions/item-vectors.md).
_REGRESSION_DIMENSIONS = 64


def with_vector_features(data: TrainingData, snapshot: Path, settings: Settings) -> TrainingData:
    """Return the data with the features of the vectors of items and users, kind by kind, or unchanged.

    Args:
        data: the features of a run.
        snapshot: folder of `item_vectors.parquet` and `user_vectors.parquet`; earlier versions wrote none.
        settings: dimensions and weight of the vectors.

    Raises:
        NightjarError: the vectors of a kind differ in length.
    """
    if settings.vector_weight == 0:
        return data
    return _with_user_vectors(_with_item_vectors(data, snapshot, settings), snapshot, settings)


def _with_user_vectors(data: TrainingData, snapshot: Path, settings: Settings) -> TrainingData:
    for kind, rows, vectors in _vectors(snapshot / "user_vectors.parquet", "user_id", data.user_ids):
        components = principal_components(vectors, settings.vector_dimensions)
        if components.shape[1]:
            data = with_encoded_features(data, kind, rows, components, settings.vector_weight, of="users")
    return data


def _with_item_vectors(data: TrainingData, snapshot: Path, settings: Settings) -> TrainingData:
    reduced = []
    for kind, rows, vectors in _vectors(snapshot / "item_vectors.parquet", "item_id", data.item_ids):
        components = principal_components(vectors, max(_REGRESSION_DIMENSIONS, settings.vector_dimensions))
        if components.shape[1] == 0:
            continue
        of_lightfm = components[:, : settings.vector_dimensions]
        data = with_encoded_features(data, kind, rows, of_lightfm, settings.vector_weight)
        reduced.append(_unit_rows(components[:, :_REGRESSION_DIMENSIONS], rows, len(data.item_ids)))
    return replace(data, item_vectors=np.hstack(reduced)) if reduced else data


def _vectors(
    path: Path, id_column: str, ids: NDArray[np.object_]
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.float32]]]:
    """Yield of each kind its name, the ids' rows that have a vector, in their order, and (n, length) vectors."""
    if not path.exists():
        return
    table = pq.read_table(path)
    for kind in sorted(pc.unique(table["kind"]).to_pylist()):
        of_kind = table.filter(pc.equal(table["kind"], kind))
        places = pc.index_in(pa.array(ids, pa.string()), of_kind[id_column].combine_chunks())
        rows = np.flatnonzero(places.is_valid())
        if len(rows) == 0:
            continue
        vectors = of_kind["vector"].combine_chunks().take(places.drop_null())
        lengths = pc.unique(pc.list_value_length(vectors)).to_pylist()
        if len(lengths) > 1:
            raise NightjarError(
                f"{path}: vectors of kind {kind} have {min(lengths)} to {max(lengths)} numbers: expected one length",
                code="value_out_of_range",
                file=path,
                column="vector",
                value=kind,
            )
        yield kind, rows, vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(rows), lengths[0])


def _unit_rows(components: NDArray[np.float64], rows: NDArray[np.int64], items: int) -> NDArray[np.float32]:
    lengths = np.linalg.norm(components, axis=1, keepdims=True)
    unit = np.zeros((items, components.shape[1]), np.float32)
    unit[rows] = np.divide(components, lengths, out=np.zeros_like(components), where=lengths > 0)
    return unit
