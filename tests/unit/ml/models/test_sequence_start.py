"""Weights of the sequence model that a later fit takes by name; without torch."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from ml.models.sequence_data import SequenceData
from ml.models.sequence_start import FEATURES, ITEMS, judged_fraction_of, left_by, taken_from
from ml.models.sequence_windows import OrderedItems

NOTHING = np.zeros(0, np.int64)


def named(items: list[str], features: list[str]) -> SequenceData:
    ordered = OrderedItems(NOTHING, np.zeros(1, np.int64), NOTHING)
    names = np.array(items, object), np.array(features, object)
    return SequenceData(ordered, sparse.csr_matrix((0, len(features))), np.zeros(0), *names)


def weights(items: list[list[float]], features: list[list[float]], last: list[float]) -> dict[str, np.ndarray]:
    named_weights = {ITEMS: items, FEATURES: features, "last.weight": last}
    return {name: np.array(each, np.float32) for name, each in named_weights.items()}


LEFT = left_by(weights([[1, 2], [3, 4]], [[5, 6]], [7, 8]), named(["a", "b\u00e9"], ["genre:x"]), 0.25)


def test_rows_are_taken_by_name_and_new_ones_keep_their_initial_numbers() -> None:
    initial = weights([[90, 90], [91, 91], [92, 92]], [[93, 93], [94, 94]], [95, 95])
    taken = taken_from(LEFT, named(["b\u00e9", "new", "a"], ["genre:y", "genre:x"]), initial)
    assert taken is not None
    assert {name: each.tolist() for name, each in taken.items()} == {
        ITEMS: [[3, 4], [91, 91], [1, 2]],
        FEATURES: [[93, 93], [5, 6]],
        "last.weight": [7, 8],
    }
    # Neither side was written to.
    assert initial[ITEMS][0].tolist() == [90, 90]
    assert LEFT[ITEMS].tolist() == [[1, 2], [3, 4]]
    assert judged_fraction_of(LEFT) == 0.25


@pytest.mark.parametrize(
    "initial",
    [
        weights([[0, 0, 0]], [[0, 0, 0]], [0, 0, 0]),
        weights([[0, 0]], [[0, 0]], [0, 0, 0]),
        weights([[0, 0]], [[0, 0]], [0, 0]) | {"one more": np.zeros(1)},
        {ITEMS: np.zeros((1, 2)), FEATURES: np.zeros((1, 2))},
    ],
    ids=["dimension", "a layer", "one more layer", "one fewer"],
)
def test_weights_of_another_shape_are_not_taken(initial: dict[str, np.ndarray]) -> None:
    assert taken_from(LEFT, named(["a"], ["genre:x"]), initial) is None


def test_nothing_that_is_left_holds_objects() -> None:
    nobody = left_by(weights([], [], []), replace(named([], []), draws=np.zeros(0)), 1.0)
    assert all(not each.dtype.hasobject for arrays in (LEFT, nobody) for each in arrays.values())
