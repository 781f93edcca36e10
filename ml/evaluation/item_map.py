"""Places the vectors of items on a plane, near each other where they are near in their space: t-SNE of cosines.

Pure; used by the map of the explorer and by the picture of the run report. docs/decisions/item-map.md says why it is
t-SNE, and what it costs.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.data.encoded_features import principal_components

# Fewer have no neighbourhood to speak of: they get the two axes of most variance.
_LEAST_ITEMS = 10
_PERPLEXITY = 30.0
# 250 of them with exaggerated attraction. Twice as many move little and cost twice as much.
_ITERATIONS = 500


def item_map(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return coordinates of items, the same for the same vectors and seed.

    The mean of the coordinates is 0, the first axis is that of most variance, and the largest entry by size of each
    direction is positive: `principal_components` has the rule. Neither distances between groups nor the axes have a
    meaning.

    Args:
        vectors: (n, d) float32; their lengths do not count.
        seed: of the optimisation.

    Returns:
        (n, 2) float32.

    Source: L. van der Maaten and G. Hinton, Visualizing data using t-SNE, JMLR 9 (2008).
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    if len(units) < _LEAST_ITEMS or (units == units[:1]).all():
        return _on_their_axes(units)
    layout = TSNE(
        perplexity=min(_PERPLEXITY, (len(units) - 1) / 3),
        max_iter=_ITERATIONS,
        init="pca" if min(units.shape) > 1 else "random",
        random_state=seed,
        n_jobs=1,
    )
    # More threads would change last bits, and with them the picture.
    with threadpool_limits(1):
        placed: NDArray[np.float32] = layout.fit_transform(units)
    return _on_their_axes(placed)


def _on_their_axes(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return points on their two axes of most variance: (n, 2); 0 where they do not vary."""
    if len(points) == 0:
        return np.zeros((0, 2), np.float32)
    components = principal_components(points, 2)
    coordinates = np.zeros((len(points), 2), np.float32)
    coordinates[:, : components.shape[1]] = components
    return coordinates
