"""A user's vector in a published model, without training: from their newest items, else from their features.

Pure; used by recommend. docs/experiments/fold-in.md has the figures.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import IDENTITY_PREFIX, RARE_SUFFIX
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN, Vectors
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.artifacts.sources import History
from nightjar.contract.artifacts.user_features import UserFeatures
from nightjar.ranking.fold_in import folded_history, scaled_sums
from nightjar.serving.published_model import PublishedModel


def history_of_newest(model: PublishedModel, liked: tuple[str, ...], newest: int) -> History:
    """Return the newest of the items a user liked, as `folded_history` does, in one row.

    An item without a vector must not displace one that has a vector, so it does not count.

    Args:
        model: of the publication.
        liked: item ids, the newest first.
        newest: items that count at most.
    """
    indices = [model.item_index[each] for each in liked if each in model.item_index]
    item_vectors = model.spaces[LIGHTFM].item_vectors
    indices = [index for index in indices if item_vectors[index].any()]
    shape = (1, len(item_vectors))
    recency = sparse.csr_matrix((np.arange(1.0, len(indices) + 1), ([0] * len(indices), indices)), shape=shape)
    return folded_history(recency, newest)


def locate_user(
    model: PublishedModel, weights: sparse.csr_matrix, given: Mapping[str, float], min_segment_users: int
) -> tuple[dict[str, Vectors], int, str | None]:
    """Return a user's vectors, their source, and the segment of an unknown user.

    Args:
        model: of the publication.
        weights: (1, items) float32 CSR of the user's items.
        given: weight by feature, as the source system names it.
        min_segment_users: users that a segment needs.

    Returns:
        (1, dim) float32 by source of kind vectors; a source as in `Embeddings.user_sources`; the smallest of the user's
        segments, ties by name.
    """
    vectors = {
        name: scaled_sums(weights, space.item_vectors, space.mean_user_length) for name, space in model.spaces.items()
    }
    if vectors[LIGHTFM].any():
        return vectors, TRAINED, None
    features = model.user_features
    if features is None:
        return vectors, UNKNOWN, None
    carried = feature_weights(features, given)
    if carried[features.is_informative].any():
        by_features = (carried @ features.vectors)[None, :].astype(np.float32)
        return vectors | {LIGHTFM: by_features}, FEATURES_ONLY, None
    large = np.flatnonzero((carried > 0) & (features.carriers >= min_segment_users))
    segments = sorted((int(features.carriers[each]), str(features.names[each])) for each in large)
    return vectors, UNKNOWN, segments[0][1] if segments else None


def feature_weights(features: UserFeatures, given: Mapping[str, float]) -> NDArray[np.float64]:
    """Return a user's weight of each feature, by the rule of `entity_features` in Spark: (features,) float64.

    A feature unknown to the model counts as the rare one of its kind, where there is one.

    Args:
        features: of the model.
        given: weight by feature, as the source system names it.
    """
    index_of = {name: number for number, name in enumerate(features.names)}
    weights = np.zeros(len(features.names))
    for feature, weight in given.items():
        name = f"given-{feature}" if feature.startswith(IDENTITY_PREFIX) else feature
        index = index_of.get(name, index_of.get(f"{feature.partition(':')[0]}{RARE_SUFFIX}"))
        if index is not None:
            weights[index] = max(weights[index], weight)
    total = weights.sum()
    return weights * min(1.0, features.max_weight / total) if total > 0 else weights
