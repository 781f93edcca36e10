"""Stage fit_model: the final fit on all events before the end of the interval.

Reads `features/`, `cold_items.json` and the warm-start checkpoint; writes `model/`, `start/final/`,
`outputs/item_embeddings/`, `outputs/user_embeddings/` and registers the model.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml import tracking
from ml.data.text_features import with_text_features
from ml.data.training_data import read_training_data
from ml.evaluation import cold_item_weights
from ml.models.cooccurrence import item_weights_of
from ml.models.lightfm import Epoch, fit
from ml.models.trained_embeddings import FittedFactors, embeddings_of, user_features_of
from ml.stages import warm_start
from nightjar.contract.artifacts import embeddings
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.errors import BadInput
from nightjar.contract.progress import stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.output_rows import write_columns
from nightjar.ranking.popularity_weight import item_weights_at_popularity_weight

_SOURCES = {TRAINED: "trained", FEATURES_ONLY: "features_only"}


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        BadInput: there is no positive event.
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "fit_model") as progress:
        progress.unit = "pairs"
        data = with_text_features(read_training_data(folder.features_folder), folder.snapshot_folder, settings)
        progress.rows = data.full.nnz
        if data.full.nnz == 0:
            raise BadInput("no event has a weight above 0: see nightjar events", code="no_events")

        settings = cold_item_weights.load(folder.cold_items).in_settings(settings)
        checkpoint = warm_start.load_checkpoint(settings, folder, "final", data)

        def show(epoch: Epoch) -> None:
            progress.pulse(epoch.line(data.full.nnz))

        users, items = fit(data.full, data.user_features, data.item_features, settings, show, checkpoint)
        warm_start.save_checkpoint(settings, folder, "final", data, checkpoint, (users, items))
        model = embeddings_of(FittedFactors(data, data.full, users, items, settings.cold_item_lambda), settings)
        weights = item_weights_of(data, data.full, settings)
        weights = item_weights_at_popularity_weight(weights, data.full, settings.popularity_weight)
        by_features = user_features_of(data, data.full, users, settings.max_feature_weight)
        embeddings.save(model, folder.model, weights, by_features)
        _write_side(folder, "item", model.item_ids, model.item_vectors, model.item_biases, model.item_sources)
        _write_side(folder, "user", model.user_ids, model.user_vectors, model.user_biases, model.user_sources)
        progress.say(f"{_counts(model.user_sources)} users, {_counts(model.item_sources)} items")
        tracked = tracking.log_stage(settings, folder, tracking.StageLog(artifacts={"model": folder.model}))
        tracked = tracking.register_model(settings, folder, tracked, "model")
        progress.say(f"registered {tracked.model_uri}")


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
