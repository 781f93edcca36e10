"""Warm-start checkpoints: what the fits of a run leave by the names of features, from which later ones start.

Written and read by the stages evaluate_model (fitted on the training part) and fit_model (fitted on everything): a
model that is evaluated must start from one that never saw what is held out. Plain arrays under a manifest, as `model/`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.data.encoded_features import is_encoded
from ml.data.training_data import TrainingData
from ml.models.base import NamedArrays
from ml.models.lightfm import FactorsWithGradients, WarmStartCheckpoint
from nightjar.contract.artifacts.embeddings import MANIFEST, check_manifest, read_manifest, sha256
from nightjar.contract.atomic_files import written_aside
from nightjar.contract.settings import Settings

_ARRAYS = ("vectors", "biases", "vector_gradients", "bias_gradients")
# Beyond so many times the epochs of a fit from scratch, recall falls: docs/experiments/warm-start.md.
_MOST_TIMES_EPOCHS = 1.5
# Where one of these differs, the factors have another shape, or were trained on what is held out now.
_MUST_BE_EQUAL = (
    "embedding_dim",
    "seed",
    "holdout",
    "holdout_fraction",
    "cold_holdout_fraction",
    "domain_holdout_fraction",
)


@dataclass(frozen=True)
class Checkpoint:
    """What a fit leaves.

    Attributes:
        lightfm: factors and sums of squared gradients.
        others: arrays of other models by name.
    """

    lightfm: WarmStartCheckpoint
    others: Mapping[str, NamedArrays]


def save(folder: Path, data: TrainingData, settings: Settings, checkpoint: Checkpoint, epochs: int) -> None:
    """Write the factors of the trained features, the arrays of other models, and LightFM's number of epochs in all."""
    with written_aside(folder) as aside:
        for side, names, factors in zip(("user", "item"), _names(data), checkpoint.lightfm, strict=True):
            rows = np.flatnonzero(factors.is_trained)
            pq.write_table(pa.table({"feature": pa.array(names[rows], pa.string())}), aside / f"{side}.parquet")
            for name in _ARRAYS:
                np.save(aside / f"{side}_{name}.npy", getattr(factors, name)[rows], allow_pickle=False)
        for model, arrays in checkpoint.others.items():
            named: dict[str, Any] = dict(arrays)
            np.savez(aside / f"{model}.npz", **named)
        digests = {path.name: sha256(path) for path in sorted(aside.iterdir())}
        manifest = {"sha256": digests, "settings": _settings(settings), "epochs": epochs}
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def load(folder: Path, data: TrainingData, settings: Settings) -> Checkpoint | None:
    """Return what `save` wrote, LightFM's in the order of the features of `data`, zero where nothing was trained.

    Returns:
        None where its settings do not match those of this run, where it already has as many epochs as improve recall,
        or where items or users have features of vectors: their axes turn with the catalogue.

    Raises:
        NightjarError: a file is missing or damaged.
    """
    check_manifest(folder)
    manifest = read_manifest(folder)
    epochs = manifest["epochs"] + settings.warm_start_epochs
    if manifest["settings"] != _settings(settings) or epochs > _MOST_TIMES_EPOCHS * settings.epochs:
        return None
    users, items = _names(data)
    if any(is_encoded(str(name)) for name in (*users, *items)):
        return None
    others = {path.stem: _arrays(path) for path in sorted(folder.glob("*.npz"))}
    return Checkpoint((_aligned(folder, "user", users), _aligned(folder, "item", items)), others)


def _arrays(path: Path) -> NamedArrays:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _aligned(folder: Path, side: str, names: NDArray[np.object_]) -> FactorsWithGradients:
    row_of = {name: row for row, name in enumerate(pq.read_table(folder / f"{side}.parquet").column(0).to_pylist())}
    rows = np.array([row_of.get(name, len(row_of)) for name in names], np.int64)

    def aligned(name: str) -> NDArray[np.float32]:
        saved = np.load(folder / f"{side}_{name}.npy", allow_pickle=False)
        aligned: NDArray[np.float32] = np.concatenate([saved, np.zeros((1, *saved.shape[1:]), saved.dtype)])[rows]
        return aligned

    return FactorsWithGradients(*(aligned(name) for name in _ARRAYS))


def _names(data: TrainingData) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    return data.user_feature_names, data.item_feature_names


def _settings(settings: Settings) -> dict[str, int | float]:
    return {name: getattr(settings, name) for name in _MUST_BE_EQUAL}
