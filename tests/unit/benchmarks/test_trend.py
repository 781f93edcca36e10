"""The benchmark of popularity's half-life, by hand."""

import numpy as np

from benchmarks.quality.events import Events
from benchmarks.trend import recalls

DAY = 86_400_000_000


def test_new_users_are_asked_for_what_they_take_first_by_what_was_popular_before() -> None:
    # Ten items are taken twice on day 0, item 10 once on day 9; user 3 takes it on day 10, and much later item 0.
    rows = [(user, item, 0) for item in range(10) for user in (0, 1)] + [(2, 10, 9), (3, 10, 10), (3, 0, 30)]
    users, items, days = (np.array(column) for column in zip(*rows, strict=True))
    events = Events(
        np.array(list("abcd"), object),
        np.array([f"i{item:02d}" for item in range(11)], object),
        users,
        items,
        days * DAY,
        np.array([f"e{n:02d}" for n in range(len(rows))], object),
    )
    # Without trend item 10 is the eleventh of ten places; with a half-life of a day two old events are worth 2/1024.
    assert recalls(events, np.inf, 10, 10) == [0.0]
    assert recalls(events, 1.0, 10, 10) == [1.0]
