"""Which events are held out for evaluation. Pure: events -> flags of the test part.

Applied again to the rest, a protocol gives the validation window on which everything is tuned.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.events import Events

FRACTION = 0.2


def last_fraction(events: Events) -> NDArray[np.bool_]:
    """Each user's newest 20 %, at least one where the user has two."""
    place, counts = events.place_in_user()
    held_out = np.where(counts > 1, np.maximum(1, np.floor(counts * FRACTION + 1e-9)), 0)
    return place >= (counts - held_out)[events.users]


def last_one(events: Events) -> NDArray[np.bool_]:
    """Each user's newest event, where the user has two."""
    place, counts = events.place_in_user()
    return (place == counts[events.users] - 1) & (counts[events.users] > 1)


def time_cut(events: Events) -> NDArray[np.bool_]:
    """The newest 20 % of all events: the situation of a run. Users without an earlier event are not evaluated."""
    return events.micros >= np.quantile(events.micros, 1 - FRACTION, method="lower")


PROTOCOLS = {"last 20 % of each user": last_fraction, "last one of each user": last_one, "cut in time": time_cut}
