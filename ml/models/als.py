"""Implicit ALS (Hu, Koren and Volinsky 2008): user and item vectors by least squares on all cells of the matrix."""

import numpy as np
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.training_data import TrainingPart
from nightjar.contract.artifacts.sources import WARM, VectorSource, raised
from nightjar.contract.settings import Settings

_FACTORS, _ITERATIONS, _REGULARISATION, _CONFIDENCE = 64, 10, 0.1, 10.0
# Of the pairs' weights: half the power of the recency rank.
_EXPONENT = 0.5


class Als:
    """A second kind of embedding: where few users share items it finds what LightFM's sampling misses."""

    name, items = "als", WARM

    def weight(self, settings: Settings) -> float:
        """None, unless a run chooses one."""
        return 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> VectorSource | None:
        """Fit the vectors, those of users and items without a pair 0; None without a pair."""
        pairs = raised(part.pairs, _EXPONENT)
        if pairs.nnz == 0:
            return None
        model = AlternatingLeastSquares(
            factors=_FACTORS,
            regularization=_REGULARISATION,
            alpha=_CONFIDENCE,
            iterations=_ITERATIONS,
            random_state=settings.seed,
            num_threads=1,
        )
        # More threads would change last bits.
        with threadpool_limits(1):
            model.fit(pairs, show_progress=False)
        users, items = (np.array(each, np.float32) for each in (model.user_factors, model.item_factors))
        users[pairs.getnnz(axis=1) == 0] = 0
        items[pairs.getnnz(axis=0) == 0] = 0
        return VectorSource(users, items, np.zeros(pairs.shape[1], np.float32))
