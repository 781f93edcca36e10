"""Where the map places items, and what it calls them."""

import numpy as np
import pytest

from ml.evaluation.item_labels import NONE, OTHER, POINT_COLOURS, grey_first, item_labels
from ml.evaluation.item_map import item_map

# scikit-learn counts the cores by a process, which unit tests do not start.
pytestmark = pytest.mark.filterwarnings("ignore:Could not find the number of physical cores")


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    """Three groups of 20 items about three directions at right angles."""
    random = np.random.default_rng(1)
    vectors = np.repeat(np.eye(3, 8), 20, axis=0) + random.normal(scale=0.05, size=(60, 8))
    return vectors.astype(np.float32)


def test_equal_vectors_and_seeds_give_equal_coordinates_to_the_last_bit(groups: np.ndarray) -> None:
    first, again = item_map(groups, 42), item_map(groups.copy(), 42)
    assert first.shape == (60, 2)
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes()


def test_items_of_a_group_lie_nearer_to_each_other_than_to_any_other(groups: np.ndarray) -> None:
    places = item_map(groups, 42)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    is_same = np.repeat(np.arange(3), 20)[:, None] == np.repeat(np.arange(3), 20)
    assert distances[is_same].max() < distances[~is_same].min()


def test_the_first_axis_varies_most_about_a_mean_of_0(groups: np.ndarray) -> None:
    places = item_map(groups, 42).astype(np.float64)
    assert places.mean(axis=0) == pytest.approx([0, 0], abs=1e-3)
    across, down = places.var(axis=0)
    assert across > down


def test_a_few_items_are_on_the_axes_of_their_unit_vectors_with_the_larger_part_of_each_direction_positive() -> None:
    # At length 1 (1, 0), (0.6, 0.8), (0.6, -0.8): about their mean (0.733, 0) the second number varies by 1.28, the
    # first by 0.107. So that one is the first axis, pointing up; the lengths do not count.
    vectors = np.array([[2, 0], [3, 4], [0.6, -0.8]], np.float32)
    expected = np.array([[0, 4 / 15], [0.8, -2 / 15], [-0.8, -2 / 15]])
    assert item_map(vectors, 42) == pytest.approx(expected, abs=1e-6)
    assert item_map(10 * vectors, 1) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("items", [0, 1, 12])
def test_items_that_do_not_differ_are_at_one_point(items: int) -> None:
    assert item_map(np.ones((items, 3), np.float32), 42).tolist() == [[0, 0]] * items


def test_vectors_of_one_number_are_placed_by_its_sign() -> None:
    vectors = np.array([[1.0]] * 8 + [[-2.0]] * 8, np.float32)
    places = item_map(vectors, 42)
    assert np.isfinite(places).all()
    # They begin at random places, which the seed decides.
    assert places.tobytes() == item_map(vectors, 42).tobytes()
    assert np.linalg.norm(places[:8] - places[0], axis=1).max() < np.linalg.norm(places[8:] - places[0], axis=1).min()


def test_an_item_has_the_label_of_its_heaviest_then_rarest_frequent_value() -> None:
    values = {
        "i1": [("Drama", 1.0), ("War", 1.0)],
        "i2": [("Drama", 1.0)],
        "i3": [("Drama", 2.0), ("War", 1.0)],
        "i5": [("Drama", 1.0)],
    }
    labels, colours = item_labels(["i1", "i2", "i3", "i4"], values)
    # Three dramas and two films of war are drawn; i5 is not.
    assert labels == ["War", "Drama", "Drama", NONE]
    assert list(colours) == ["Drama", "War", NONE]
    assert list(colours.values())[:2] == list(POINT_COLOURS[:2])


def test_values_beyond_the_colours_are_grey_and_below_the_others() -> None:
    names = [f"v{number}" for number in range(len(POINT_COLOURS) + 1)]
    values = {f"i{number}": [(name, 1.0)] for number, name in enumerate(names)} | {"twin": [("v9", 1.0)]}
    labels, colours = item_labels([*values, "bare"], values)
    # v9 is there twice, so the last of the names that are there once has no colour.
    assert list(colours) == ["v9", *names[:8], OTHER, NONE]
    assert labels[8:] == [OTHER, "v9", "v9", NONE]
    assert grey_first(labels) == [11, 8, *range(8), 9, 10]
