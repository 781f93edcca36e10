"""Reduction, signs, weights and names against values worked out by hand."""

import numpy as np
import pytest
from scipy import sparse

from ml.data.encoded_features import is_encoded, principal_components, weighted_halves, with_encoded_features
from tests.support.small_training_data import training_data

# About their mean (0, 0, 7) they vary most along the first axis, less along the second and not along the third.
VECTORS = [(3.0, 0.0, 7.0), (-3.0, 0.0, 7.0), (0.0, 1.0, 7.0), (0.0, -1.0, 7.0)]


def test_components_are_the_axes_of_most_variance_about_the_mean_and_no_more_than_there_are() -> None:
    vectors = np.array(VECTORS, np.float32)
    assert principal_components(vectors, 5) == pytest.approx(np.array([[3, 0], [-3, 0], [0, 1], [0, -1]]))
    assert principal_components(vectors, 1) == pytest.approx(np.array([[3], [-3], [0], [0]]))
    assert principal_components(vectors[[0, 0]], 5).shape == (2, 0)
    # On one line but for rounding.
    line = np.outer([0.1, 0.2, 0.7, 1.3, 2.9], [0.3, 0.6, 1.1]).astype(np.float32)
    assert principal_components(line, 5).shape == (5, 1)


@pytest.mark.parametrize(
    ("vectors", "components"),
    [
        ([[1, -2], [-1, 2]], [-(5**0.5), 5**0.5]),
        ([[1, 2], [-1, -2]], [5**0.5, -(5**0.5)]),
        ([[-2, 1], [2, -1]], [-(5**0.5), 5**0.5]),
        ([[2, 1], [-2, -1]], [5**0.5, -(5**0.5)]),
    ],
)
def test_the_largest_entry_of_an_axis_is_positive(vectors: list[list[float]], components: list[float]) -> None:
    assert principal_components(np.array(vectors, np.float32), 1)[:, 0] == pytest.approx(components)


def test_each_component_has_a_positive_and_a_negative_half_and_a_row_sums_to_the_weight() -> None:
    assert weighted_halves(np.array([[3.0, -1.0], [0.0, 0.0], [-0.5, 0.0]]), 2.0).tolist() == [
        [1.5, 0, 0, 0.5],
        [0, 0, 0, 0],
        [0, 2, 0, 0],
    ]


def test_features_of_a_kind_are_halves_of_its_dimensions_beside_those_of_the_source() -> None:
    given = training_data(sparse.csr_matrix((2, 3), dtype=np.float32), tags="aba")
    found = with_encoded_features(given, "clip", np.array([0, 2]), np.array([[3.0, -1.0], [0.0, 2.0]]), 2.0)
    assert found.item_feature_names.tolist() == ["tag:a", "tag:b", "(clip):0+", "(clip):0-", "(clip):1+", "(clip):1-"]
    assert found.item_features.toarray().tolist() == [[1, 0, 1.5, 0, 0, 0.5], [0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 2, 0]]


def test_halves_are_recognised_by_their_names() -> None:
    names = ("(clip):3+", "(a-b):10-", "(title):3d", "clip:3+", "id:(clip):3+", "(clip):(rare)")
    assert [is_encoded(name) for name in names] == [True, True, False, False, False, False]
