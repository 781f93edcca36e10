"""The benchmark of popularity's half-life, by hand."""

import numpy as np

from benchmarks.popularity_half_life import recalls
from benchmarks.quality.events import Events

DAY = 86_400_000_000


def test_recall_of_new_users_depends_on_the_half_life() -> None:
    # Ten items have two events on day 0, item 10 one on day 9; user 3 has it on day 10, and much later item 0.
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
    # Without decay item 10 ranks eleventh; with a half-life of a day two old events weigh 2/1024.
    assert recalls(events, np.inf, 10, 10) == [0.0]
    assert recalls(events, 1.0, 10, 10) == [1.0]
