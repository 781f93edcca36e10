"""Which events are held out for evaluation. Pure: events -> flags of the test part.

Applied again to the rest, a protocol gives the validation window on which everything is tuned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.data_sets import DataSet
from benchmarks.quality.events import Events

FRACTION = 0.2


@dataclass(frozen=True)
class Protocol:
    """A way to hold events out, and the settings by which a run of Nightjar holds events out in the same way.

    Attributes:
        name: on the page.
        is_test: events -> flags of the test part.
        settings: values by name.
        needs_clock_times: whether it compares times of different users.
    """

    name: str
    is_test: Callable[[Events], NDArray[np.bool_]]
    settings: Mapping[str, str]
    needs_clock_times: bool = False

    def split(self, events: Events) -> tuple[Events, Events]:
        """Split events into a training part and a test part."""
        is_test = self.is_test(events)
        return events.where(~is_test), events.where(is_test)


def last_fraction(events: Events) -> NDArray[np.bool_]:
    """Each user's newest 20 %, at least one where the user has two."""
    place, counts = events.place_in_user()
    held_out = np.where(counts > 1, np.maximum(1, np.floor(counts * FRACTION + 1e-9)), 0)
    return place >= (counts - held_out)[events.users]


def last_one(events: Events) -> NDArray[np.bool_]:
    """Each user's newest event, where the user has two."""
    place, counts = events.place_in_user()
    return (place == counts[events.users] - 1) & (counts[events.users] > 1)


def time_cut(events: Events, fraction: float = FRACTION) -> NDArray[np.bool_]:
    """The newest fraction of all events: the situation of a run. Users without an earlier event are not evaluated."""
    return events.micros >= np.quantile(events.micros, 1 - fraction, method="lower")


PROTOCOLS = (
    Protocol("last 20 % of each user", last_fraction, {"holdout": "newest", "holdout_fraction": str(FRACTION)}),
    Protocol("last one of each user", last_one, {"holdout": "last"}),
    Protocol("cut in time", time_cut, {"holdout": "time"}, needs_clock_times=True),
    Protocol(
        "cut in time, newest tenth",
        partial(time_cut, fraction=0.1),
        {"holdout": "time", "holdout_fraction": "0.1"},
        needs_clock_times=True,
    ),
)


def protocols_of(data: DataSet) -> list[Protocol]:
    """Return the protocols that a data set of users can be split by."""
    return [each for each in PROTOCOLS if data.has_clock_times or not each.needs_clock_times]
