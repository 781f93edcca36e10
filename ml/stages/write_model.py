"""Writes a model: its folder, the rows of its embeddings and sources, and its version in MLflow's registry.

Writes `model/`, `outputs/item_embeddings/`, `outputs/user_embeddings/` and `outputs/model_sources/`; used by the stage
fit_model.
"""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml import tracking
from ml.models.candidate import Candidate
from ml.models.trained_embeddings import user_features_of
from ml.tracking_flavour import write_mlmodel
from nightjar.contract.artifacts import model_folder, ranking_folder
from nightjar.contract.artifacts.consistency import model_digest
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.artifacts.ranking_folder import RankingRules
from nightjar.contract.progress import StageProgress
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.output_rows import write_columns, write_rows

# Folder in the run of what is registered.
_ARTIFACT = "model"
_SOURCES = {TRAINED: "trained", FEATURES_ONLY: "features_only"}


def write_model(settings: Settings, folder: RunFolder, candidate: Candidate, progress: StageProgress) -> None:
    """Write the model of a candidate that was fitted on everything, and register it."""
    model, data, pairs = candidate.model(), candidate.part.data, candidate.part.pairs
    by_features = user_features_of(data, pairs, candidate.factors.users, settings.max_feature_weight)
    model_folder.save(model, folder.model, by_features)
    trained = model.embeddings
    _write_side(folder, "item", trained.item_ids, trained.item_vectors, trained.item_biases, trained.item_sources)
    _write_side(folder, "user", trained.user_ids, trained.user_vectors, trained.user_biases, trained.user_sources)
    sources = [asdict(each) | {"fit_seconds": candidate.seconds.get(each.source, 0.0)} for each in model.facts()]
    write_rows(folder, "model_sources", sources)
    for each in sources:
        progress.say("source {source}: {kind}, weight {weight:g} of {items} items, {fit_seconds:.1f} s".format(**each))
    progress.say(f"{_counts(trained.user_sources)} users, {_counts(trained.item_sources)} items")
    tracked = _register(settings, folder)
    progress.say(f"registered {tracked.model_uri}")


def _register(settings: Settings, folder: RunFolder) -> tracking.TrackedRun:
    with TemporaryDirectory(prefix="nightjar-model-") as aside:
        flavoured = Path(aside)
        ranking_folder.link(folder, flavoured, RankingRules.of(settings))
        write_mlmodel(folder.record(), model_digest(folder.model), flavoured)
        tracked = tracking.log_stage(settings, folder, tracking.StageLog(models={_ARTIFACT: flavoured}))
    return tracking.register_model(settings, folder, tracked, _ARTIFACT)


def _write_side(
    folder: RunFolder,
    side: str,
    ids: NDArray[np.object_],
    vectors: Vectors,
    biases: Vectors,
    sources: NDArray[np.int8],
) -> None:
    rows = np.flatnonzero(sources != UNKNOWN)
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * vectors.shape[1]
    columns = {
        f"{side}_id": pa.array(ids[rows], pa.string()),
        "embedding": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(vectors[rows].ravel())),
        "bias": pa.array(biases[rows]),
        "source": pa.array([_SOURCES[int(code)] for code in sources[rows]], pa.string()),
    }
    write_columns(folder, f"{side}_embeddings", columns)


def _counts(sources: NDArray[np.int8]) -> str:
    trained, features_only = int((sources == TRAINED).sum()), int((sources == FEATURES_ONLY).sum())
    return f"{trained:,} trained + {features_only:,} features-only of {len(sources):,}"
