"""LightFM's epochs as in a run, beside bare LightFM on the same matrices, and what makes an epoch slow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from lightfm import LightFM
from scipy import sparse

from benchmarks.performance.timing import seconds_each
from ml.data.training_data import read_training_data
from ml.models import lightfm
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def epoch_seconds(run_folder: Path, settings: Settings, epochs: int, repeats: int) -> dict[str, float]:
    """Return the seconds of one epoch, of ours and of bare LightFM with one thing changed at a time."""
    data = read_training_data(RunFolder(run_folder).features_folder)
    few = settings.model_copy(update={"epochs": epochs})
    identities = sparse.identity(len(data.item_ids), np.float32, "csr")

    def ours() -> None:
        lightfm.fit(data.full, data.user_features, data.item_features, few, lambda epoch: None)

    def bare(of_items: sparse.csr_matrix, threads: int, max_sampled: int) -> Callable[[], object]:
        return lambda: _fit_bare(data.full, data.user_features, of_items, few, threads, max_sampled)

    one, sampled = settings.train_threads, settings.max_sampled
    works = {
        "Nightjar": ours,
        "bare LightFM": bare(data.item_features, one, sampled),
        "bare LightFM, identities alone": bare(identities, one, sampled),
        "bare LightFM, 10 negatives at most": bare(data.item_features, one, 10),
        "bare LightFM, two threads": bare(data.item_features, 2, sampled),
    }
    return {name: seconds / epochs for name, seconds in seconds_each(works, repeats).items()}


def _fit_bare(
    pairs: sparse.csr_matrix,
    of_users: sparse.csr_matrix,
    of_items: sparse.csr_matrix,
    settings: Settings,
    threads: int,
    max_sampled: int,
) -> None:
    weights = pairs.tocoo()
    ones = sparse.coo_matrix((np.ones_like(weights.data), (weights.row, weights.col)), shape=weights.shape)
    model = LightFM(
        no_components=settings.embedding_dim,
        loss="warp",
        learning_rate=settings.learning_rate,
        item_alpha=settings.item_alpha,
        user_alpha=settings.user_alpha,
        max_sampled=max_sampled,
        random_state=settings.seed,
    )
    model.fit(ones, of_users, of_items, weights, epochs=settings.epochs, num_threads=threads)
