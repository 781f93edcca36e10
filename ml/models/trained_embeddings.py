"""Which users and items a model knows, and how: by interactions, by features only, or not at all.

Pure; used wherever factors become embeddings, so that the holdout judges the same rule that is published.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import IDENTITY_PREFIX, RARE_SUFFIX, TrainingData
from ml.models.cold_items import ColdVectors, cold_vectors, metadata_rows
from ml.models.lightfm import Factors, represent
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Embeddings
from nightjar.contract.artifacts.user_features import UserFeatures
from nightjar.contract.settings import Settings
from nightjar.ranking.popularity_weight import dialled_biases


def known_codes(
    is_trained: NDArray[np.bool_], features: sparse.csr_matrix, names: NDArray[np.object_]
) -> NDArray[np.int8]:
    """Code each user (or item): 2 trained on, 1 only carries a feature that a trained one carries, 0 neither.

    A folded `kind:(rare)` feature says nothing about the one who carries it, so it does not count.

    Args:
        is_trained: (rows,) whether the row has a training pair.
        features: (rows, features) CSR.
        names: (features,) text of each feature.

    Returns:
        (rows,) int8.
    """
    by_features = (features @ _telling(is_trained, features, names).astype(np.float32)) > 0
    codes: NDArray[np.int8] = np.select([is_trained, by_features], [TRAINED, FEATURES_ONLY], UNKNOWN).astype(np.int8)
    return codes


def user_features_of(data: TrainingData, pairs: sparse.csr_matrix, users: Factors, max_weight: float) -> UserFeatures:
    """Return what users who register later can be known by.

    Args:
        data: the user features.
        pairs: (users, items) CSR that the factors were fitted on.
        users: factors of the user features.
        max_weight: sum of one user's feature weights, at most.
    """
    names = data.user_feature_names
    kept = np.flatnonzero([not str(name).startswith(IDENTITY_PREFIX) for name in names])
    return UserFeatures(
        names[kept],
        data.user_features.getnnz(axis=0)[kept].astype(np.int64),
        _telling(pairs.getnnz(axis=1) > 0, data.user_features, names)[kept],
        users.vectors[kept],
        max_weight,
    )


def _telling(
    is_trained: NDArray[np.bool_], features: sparse.csr_matrix, names: NDArray[np.object_]
) -> NDArray[np.bool_]:
    is_rare = np.array([str(name).endswith(RARE_SUFFIX) for name in names], dtype=np.bool_)
    telling: NDArray[np.bool_] = (features[is_trained].getnnz(axis=0) > 0) & ~is_rare
    return telling


@dataclass(frozen=True)
class Fit:
    """The factors of one fit, from which embeddings are made for any share of the regression and any dial.

    Attributes:
        data: ids and features.
        pairs: (users, items) CSR that the factors were fitted on.
        users: factors of the user features.
        items: factors of the item features.
        cold_item_lambda: ridge of the regression for items without pairs.
    """

    data: TrainingData
    pairs: sparse.csr_matrix
    users: Factors
    items: Factors
    cold_item_lambda: float

    @cached_property
    def sums(self) -> Embeddings:
        """Sums of the factors, one vector a user and an item, whatever is known of them."""
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
            user_known=known_codes(self.pairs.getnnz(axis=1) > 0, data.user_features, data.user_feature_names),
            item_known=known_codes(self.pairs.getnnz(axis=0) > 0, data.item_features, data.item_feature_names),
        )

    @cached_property
    def cold_vectors(self) -> ColdVectors:
        """What the regression says of the items without pairs, their bias as the last dimension."""
        summed = np.column_stack([self.sums.item_vectors, self.sums.item_biases])
        return cold_vectors(metadata_rows(self.data), self.sums.item_known == TRAINED, summed, self.cold_item_lambda)


def embeddings_of(fit: Fit, settings: Settings) -> Embeddings:
    """Make one vector a user and an item of a fit; unknown ones are zero.

    An item without pairs gets what `ml.models.cold_items` makes of its features and of the others' vectors. Here and
    nowhere else the biases are dialled, so that lists, indices and evaluation agree.

    Args:
        fit: the factors.
        settings: share of the regression for items without pairs, and what an item's mean score over the trained users
            is multiplied by.
    """
    sums, share = fit.sums, settings.cold_item_regression_share
    items = np.column_stack([sums.item_vectors, sums.item_biases])
    if share > 0:
        items = fit.cold_vectors.mixed_into(items, share)
    item_vectors, item_biases = np.ascontiguousarray(items[:, :-1]), items[:, -1]
    item_biases = dialled_biases(
        sums.user_vectors, sums.user_known == TRAINED, item_vectors, item_biases, settings.popularity_weight
    )
    knows_user, knows_item = sums.user_known != UNKNOWN, sums.item_known != UNKNOWN
    return replace(
        sums,
        user_vectors=sums.user_vectors * knows_user[:, None],
        user_biases=sums.user_biases * knows_user,
        item_vectors=item_vectors * knows_item[:, None],
        item_biases=item_biases * knows_item,
    )
