"""Outputs of an encoder as features: reduced by PCA, each dimension as two features that are not negative.

Pure; used by the features of texts and of vectors. Those of a kind are `(kind):0+`, `(kind):0-`, `(kind):1+`, ...
"""

import re
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.training_data import TrainingData

# Of the largest variance; below it an axis is rounding.
_LEAST_VARIANCE = 1e-9
_NAME = re.compile(r"\([^()]+\):[0-9]+[+-]")


def is_encoded(feature: str) -> bool:
    """Return whether a feature is half a dimension of an encoder's output.

    >>> [is_encoded(name) for name in ("(clip):3+", "(title):fox", "genre:3+")]
    [True, False, False]
    """
    return _NAME.fullmatch(feature) is not None


def with_encoded_features(
    data: TrainingData,
    kind: str,
    rows: NDArray[np.int64],
    components: NDArray[np.float64],
    weight: float,
    of: Literal["items", "users"] = "items",
) -> TrainingData:
    """Return the data with the components of some items, or users, as features whose sum each is the weight.

    Args:
        data: the features of a run.
        kind: in brackets in the features' names, because a source may have a kind of this name.
        rows: (n,) the items or users, each once.
        components: (n, dimensions) of each of them.
        weight: above 0.
        of: what has the features.
    """
    halves = weighted_halves(components, weight)
    values = np.zeros((len(data.item_ids if of == "items" else data.user_ids), halves.shape[1]), np.float32)
    values[rows] = halves
    names = [f"({kind}):{number // 2}{'+-'[number % 2]}" for number in range(halves.shape[1])]
    if of == "items":
        return with_item_features(data, sparse.csr_matrix(values), names)
    features, feature_names = _beside(data.user_features, data.user_feature_names, sparse.csr_matrix(values), names)
    return replace(data, user_features=features, user_feature_names=feature_names)


def with_item_features(data: TrainingData, values: sparse.csr_matrix, names: list[str]) -> TrainingData:
    """Return the data with more features of items: (items, names) values."""
    features, feature_names = _beside(data.item_features, data.item_feature_names, values, names)
    return replace(data, item_features=features, item_feature_names=feature_names)


def _beside(
    features: sparse.csr_matrix, feature_names: NDArray[np.object_], values: sparse.csr_matrix, names: list[str]
) -> tuple[sparse.csr_matrix, NDArray[np.object_]]:
    """Return the features with more columns, and the names of all."""
    wider = sparse.csr_matrix(sparse.hstack([features, values], format="csr"))
    wider.sort_indices()
    return wider, np.concatenate([feature_names, np.array(names, object)])


def principal_components(vectors: NDArray[np.float32], dimensions: int) -> NDArray[np.float64]:
    """Return the vectors on their axes of most variance, about their mean: (n, at most `dimensions`) float64.

    Of the two directions of an axis, the one is used in which its largest entry by size is positive.

    Args:
        vectors: (n, d) float32.
        dimensions: axes kept at most; fewer where the vectors vary along fewer.
    """
    # More threads would change last bits.
    with threadpool_limits(1):
        centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
        variances, axes = linalg.eigh(centred.T @ centred)
        kept = np.flatnonzero(variances > max(variances[-1] * _LEAST_VARIANCE, 0))[::-1][:dimensions]
        axes = axes[:, kept]
        largest = axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))]
        components: NDArray[np.float64] = centred @ (axes * np.sign(largest))
    return components


def weighted_halves(components: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Return each component as two columns, what is above 0 and what is below it, whose sum a row is the weight.

    Feature values are weights of what an item has, so none is negative. A row of zeros stays one.

    Args:
        components: (n, d).
        weight: above 0.

    Returns:
        (n, 2 d): 0+, 0-, 1+, 1-, ...
    """
    halves = np.stack([np.maximum(components, 0), np.maximum(-components, 0)], axis=2).reshape(len(components), -1)
    sums = halves.sum(axis=1, keepdims=True)
    fractions: NDArray[np.float64] = np.divide(halves, sums, out=np.zeros_like(halves), where=sums > 0)
    return fractions * weight
