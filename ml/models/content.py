"""Item-item weights of cold items, from their features."""

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.training_data import TrainingPart
from ml.models.cold_items import cold_weights, metadata_rows
from nightjar.contract.artifacts.sources import COLD, HistoryRule, ItemWeights
from nightjar.contract.settings import FIXED, Settings


class Content:
    """How much each item of a history speaks for an item without interactions, by a ridge on features."""

    name, items = "content", COLD

    def weight(self, settings: Settings) -> float:
        """Of the blend; without co-occurrence the embeddings rank alone."""
        return settings.cold_item_share if settings.cooccurrence_share > 0 else 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemWeights | None:
        """Fit the weights; None without a pair, or where their weight is 0 and stays it."""
        stays_0 = settings.cooccurrence_share == 0 or settings.cold_item_choice == FIXED
        if part.pairs.nnz == 0 or (self.weight(settings) == 0 and stays_0):
            return None
        # More threads would change last bits.
        with threadpool_limits(1):
            fitted = cold_weights(
                metadata_rows(part.data),
                part.pairs.getnnz(axis=0) > 0,
                settings.cold_item_lambda,
                settings.cold_item_neighbours,
                settings.cooccurrence_dense_items,
            )
        weights = sparse.csr_matrix(fitted.astype(np.float32))
        weights.sort_indices()
        return ItemWeights(weights, HistoryRule(settings.cooccurrence_history_exponent))
