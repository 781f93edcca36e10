import numpy as np
import pytest
from scipy import sparse

from ml.evaluation import cross_domain_slices as module
from ml.evaluation.cross_domain_slices import cross_domain_slices

# Items 0 and 1 are films, 2 to 4 books (3 unavailable), 5 a game.
DOMAINS = np.array(["films", "films", "books", "books", "books", "games"], dtype=object)
AVAILABLE = np.array([True, True, True, False, True, True])
TRAIN = np.array(
    [
        [1, 0, 0, 0, 0, 0],  # Films only; evaluated on books.
        [0, 2, 0, 0, 0, 0.5],  # Films and a game; evaluated on books.
        [1, 0, 1, 0, 0, 0],  # Another book held out: books are no other domain to them.
        [0, 0, 0, 0, 0, 0],  # Nothing trained.
        [0, 0, 0, 0, 1, 0],  # Books only; evaluated on films; a book is held out too.
    ],
    dtype=np.float32,
)
HOLDOUT = np.array(
    [[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0]],
    dtype=np.float32,
)


def cross_slices() -> dict[str, tuple[list[int], list[list[int]], list[int]]]:
    slices = cross_domain_slices(sparse.csr_matrix(TRAIN), sparse.csr_matrix(HOLDOUT), DOMAINS, AVAILABLE, seed=1)
    return {
        each.name: (
            each.users.tolist(),
            [row.indices.tolist() for row in each.truth],
            np.flatnonzero(each.is_candidate).tolist(),
        )
        for each in slices
    }


def test_each_pair_has_the_users_with_items_in_the_source_and_none_in_the_target() -> None:
    # Item 3 is not available but was consumed, so it competes.
    assert cross_slices() == {
        "cross:films->books": ([0, 1], [[2, 3], [4]], [2, 3, 4]),
        "cross:games->books": ([1], [[4]], [2, 3, 4]),
        "cross:books->films": ([4], [[0]], [0, 1]),
    }


def test_of_too_many_pairs_those_with_the_most_users_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAIRS", 1)
    assert list(cross_slices()) == ["cross:films->books"]


def test_one_domain_has_no_pair() -> None:
    one = np.array(["default"] * 6, dtype=object)
    assert cross_domain_slices(sparse.csr_matrix(TRAIN), sparse.csr_matrix(HOLDOUT), one, AVAILABLE, seed=1) == []
