"""Why an item is recommended: the user's own item that lies nearest to it; used by recommendations."""

import numpy as np
from numpy.typing import NDArray

from spark_jobs.catalogue import Indices
from spark_jobs.lists import Pairs
from warehouse.embeddings import Vectors

NEWEST = 50
_NONE = -2.0


def nearest_own(units: Vectors, listed: Indices, seen: Pairs) -> Indices:
    """Return for each listed item the index of the user's own item with the highest cosine, -1 where there is none.

    Args:
        units: (items, dim) float32 vectors of length 1, or 0 for items without a direction.
        listed: (users, n) item indices, -1 for empty places.
        seen: the users' own items; of those with a direction the newest 50 count. Equal cosines go to the newer.
    """
    has_direction: NDArray[np.bool_] = np.asarray(units.any(axis=1))
    own = _padded(seen.of(has_direction[seen.items]), len(listed))
    if own.shape[1] == 0 or listed.shape[1] == 0:
        return np.full(listed.shape, -1)
    cosines = units[listed] @ units[own].transpose(0, 2, 1)
    cosines[np.broadcast_to((own < 0)[:, None, :], cosines.shape)] = _NONE
    nearest = np.take_along_axis(own, cosines.argmax(axis=2), axis=1)
    return np.where((listed >= 0) & has_direction[listed], nearest, -1)


def _padded(own: Pairs, users: int) -> Indices:
    place = own.place_in_row()
    newest = place < NEWEST
    padded = np.full((users, int(place[newest].max(initial=-1)) + 1), -1)
    padded[own.rows[newest], place[newest]] = own.items[newest]
    return padded
