"""Contributions as JSON, one object a row, where no source adds anything to some rows."""

import numpy as np

from nightjar.ranking.recommendation_rows import _contributions

NAMES = ("lightfm", "ease", "trending")


def test_every_row_has_its_own_object_of_the_sources_that_add_something() -> None:
    values = np.array([[0.81, 0.42, 0], [0, 0, 0], [0, -0.5, 0], [1e-6, 0, 2]], np.float32)
    is_of_model = np.ones(4, bool)
    assert _contributions(NAMES, values, is_of_model).to_pylist() == [
        '{"lightfm":0.81,"ease":0.42}',
        "{}",
        '{"ease":-0.5}',
        '{"trending":2}',
    ]


def test_popular_items_have_none_alone_and_among_others() -> None:
    nothing = np.zeros((2, 3), np.float32)
    assert _contributions(NAMES, nothing, np.zeros(2, bool)).to_pylist() == [None, None]
    mixed = np.array([[0, 0, 0], [0, 0.25, 0]], np.float32)
    assert _contributions(NAMES, mixed, np.array([False, True])).to_pylist() == [None, '{"ease":0.25}']
    assert _contributions(NAMES, nothing[:0], np.zeros(0, bool)).to_pylist() == []
