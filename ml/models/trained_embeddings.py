"""Embeddings from the factors of a fit, and their sources: trained, features only, or unknown.

Pure; used wherever factors become embeddings, so that evaluation and publication follow one rule.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.data.encoded_features import is_encoded
from ml.data.training_data import IDENTITY_PREFIX, RARE_SUFFIX, TrainingData
from ml.models.cold_items import ColdVectors, cold_vectors, metadata_rows
from ml.models.lightfm import Factors, represent
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Embeddings
from nightjar.contract.artifacts.user_features import UserFeatures
from nightjar.contract.settings import Settings
from nightjar.ranking.popularity_weight import biases_at_popularity_weight


def embedding_sources(
    is_trained: NDArray[np.bool_], features: sparse.csr_matrix, names: NDArray[np.object_]
) -> NDArray[np.int8]:
    """Return the source of each user's (or item's) embedding.

    `FEATURES_ONLY` where the user carries a feature that a trained user carries. A folded `kind:(rare)` feature carries
    no information about its user, so it does not count.

    Args:
        is_trained: (rows,) whether the row has a training pair.
        features: (rows, features) CSR.
        names: (features,) text of each feature.

    Returns:
        (rows,) int8: `TRAINED`, `FEATURES_ONLY` or `UNKNOWN`.
    """
    by_features = (features @ _is_informative(is_trained, features, names).astype(np.float32)) > 0
    sources: NDArray[np.int8] = np.select([is_trained, by_features], [TRAINED, FEATURES_ONLY], UNKNOWN).astype(np.int8)
    return sources


def user_features_of(data: TrainingData, pairs: sparse.csr_matrix, users: Factors, max_weight: float) -> UserFeatures:
    """Return the user features by which users who register later get a vector.

    Args:
        data: the user features.
        pairs: (users, items) CSR that the factors were fitted on.
        users: factors of the user features.
        max_weight: sum of one user's feature weights, at most.
    """
    names = data.user_feature_names
    # Only a run knows the axes of vectors.
    kept = np.flatnonzero([not (str(name).startswith(IDENTITY_PREFIX) or is_encoded(str(name))) for name in names])
    return UserFeatures(
        names[kept],
        data.user_features.getnnz(axis=0)[kept].astype(np.int64),
        _is_informative(pairs.getnnz(axis=1) > 0, data.user_features, names)[kept],
        users.vectors[kept],
        max_weight,
    )


def _is_informative(
    is_trained: NDArray[np.bool_], features: sparse.csr_matrix, names: NDArray[np.object_]
) -> NDArray[np.bool_]:
    is_rare = np.array([str(name).endswith(RARE_SUFFIX) for name in names], dtype=np.bool_)
    is_informative: NDArray[np.bool_] = (features[is_trained].getnnz(axis=0) > 0) & ~is_rare
    return is_informative


@dataclass(frozen=True)
class FittedFactors:
    """The factors of one fit, from which embeddings follow for any regression weight and any popularity weight.

    Attributes:
        data: ids and features.
        pairs: (users, items) CSR that the factors were fitted on.
        users: factors of the user features.
        items: factors of the item features.
        cold_item_lambda: ridge of the regression for cold items.
    """

    data: TrainingData
    pairs: sparse.csr_matrix
    users: Factors
    items: Factors
    cold_item_lambda: float

    @cached_property
    def feature_sums(self) -> Embeddings:
        """Sums of the factors, one vector a user and an item, whatever its source."""
        data = self.data
        user_vectors, user_biases = represent(data.user_features, self.users)
        item_vectors, item_biases = represent(data.item_features, self.items)
        return Embeddings(
            user_ids=data.user_ids,
            item_ids=data.item_ids,
            user_vectors=user_vectors,
            user_biases=user_biases,
            item_vectors=item_vectors,
            item_biases=item_biases,
            user_sources=embedding_sources(self.pairs.getnnz(axis=1) > 0, data.user_features, data.user_feature_names),
            item_sources=embedding_sources(self.pairs.getnnz(axis=0) > 0, data.item_features, data.item_feature_names),
        )

    @cached_property
    def cold_vectors(self) -> ColdVectors:
        """Vectors of cold items by the regression, their bias as the last dimension."""
        summed = np.column_stack([self.feature_sums.item_vectors, self.feature_sums.item_biases])
        return cold_vectors(
            metadata_rows(self.data), self.feature_sums.item_sources == TRAINED, summed, self.cold_item_lambda
        )


def embeddings_of(fitted: FittedFactors, settings: Settings) -> Embeddings:
    """Make one vector a user and an item of a fit; unknown ones are zero.

    A cold item gets the vector that `ml.models.cold_items` predicts. The popularity weight applies to the biases here
    and nowhere else, so that recommendations, indices and evaluation agree.

    Args:
        fitted: the factors.
        settings: regression weight of cold items, and the popularity weight of an item's mean score over the trained
            users.
    """
    sums, regression_weight = fitted.feature_sums, settings.cold_item_regression_share
    items = np.column_stack([sums.item_vectors, sums.item_biases])
    if regression_weight > 0:
        items = fitted.cold_vectors.mixed_into(items, regression_weight)
    item_vectors, item_biases = np.ascontiguousarray(items[:, :-1]), items[:, -1]
    item_biases = biases_at_popularity_weight(
        sums.user_vectors, sums.user_sources == TRAINED, item_vectors, item_biases, settings.popularity_weight
    )
    is_known_user, is_known_item = sums.user_sources != UNKNOWN, sums.item_sources != UNKNOWN
    return replace(
        sums,
        user_vectors=sums.user_vectors * is_known_user[:, None],
        user_biases=sums.user_biases * is_known_user,
        item_vectors=item_vectors * is_known_item[:, None],
        item_biases=item_biases * is_known_item,
    )
