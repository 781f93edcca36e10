import numpy as np
import pytest

from ml.index.hnsw import COSINE, INNER_PRODUCT, HnswIndex, build
from ml.index.index_recall import raise_ef, recall_curve, sample, without_own
from nightjar.contract.settings import Settings


class FixedIndex(HnswIndex):
    """Answers from a table, so that recall can be worked out by hand."""

    def __init__(self, answers: dict[int, list[list[int]]], metric: str = COSINE) -> None:
        self._answers = answers
        self._asked = 0
        self.metric = metric

    def set_ef(self, ef: int) -> None:
        self.ef = ef
        self._asked = 0

    def query(self, queries: np.ndarray, k: int) -> np.ndarray:
        answer = self._answers[self.ef][self._asked]
        self._asked += 1
        return np.array([answer[:k]])


# The order by cosine to the first axis is 0, 1, 2, 3; to the second it is 3, 2, 1, 0.
FAN = np.array([[3.0, 0.0], [3.0, 1.0], [1.0, 3.0], [0.0, 3.0]], np.float32)
AXES = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)


def test_recall_is_the_fraction_of_the_exact_best_that_was_retrieved() -> None:
    index = FixedIndex({4: [[0, 2], [2, 3]]})
    quality = raise_ef(index, FAN, AXES, None, Settings(metric_k=2, index_ef=4, index_ef_max=4))
    # Query 0 found one of {0, 1}; query 1 found both of {3, 2}, in another order.
    assert quality.recall == pytest.approx(3 / 4)
    assert (quality.queries, quality.ef) == (2, 4)


def test_by_inner_product_the_longer_vector_is_the_better() -> None:
    # Inner products with the query: 3, 4 and 2; by cosine the order would be 0, 2, 1.
    vectors = np.array([[3.0, 0.0], [4.0, 8.0], [2.0, 1.0]], np.float32)
    index = FixedIndex({4: [[0, 2]]}, INNER_PRODUCT)
    quality = raise_ef(index, vectors, AXES[:1], None, Settings(metric_k=2, index_ef=4, index_ef_max=4))
    assert quality.recall == pytest.approx(1 / 2)


def test_ef_doubles_until_the_floor_is_reached() -> None:
    answers = {1: [[2, 3], [0, 1]], 2: [[0, 3], [3, 0]], 4: [[0, 1], [3, 2]], 8: [[0, 1], [3, 2]]}
    index = FixedIndex(answers)
    quality = raise_ef(index, FAN, AXES, None, Settings(metric_k=2, index_ef=1, index_ef_max=100))
    assert (quality.recall, quality.ef, index.ef) == (1.0, 4, 4)


def test_ef_stops_at_its_bound_below_the_floor() -> None:
    answers = {ef: [[0, 3], [3, 0]] for ef in (2, 4, 5)}
    quality = raise_ef(FixedIndex(answers), FAN, AXES, None, Settings(metric_k=2, index_ef=2, index_ef_max=5))
    assert (quality.recall, quality.ef) == (0.5, 5)


def test_a_sparse_graph_needs_a_larger_ef_than_the_first() -> None:
    vectors = np.random.default_rng(2).normal(size=(3000, 16)).astype(np.float32)
    ids = np.array([str(n) for n in range(3000)], dtype=object)
    settings = Settings(index_m=5, index_ef_construction=20, index_ef=1)
    index = build(vectors, ids, COSINE, settings)
    own = sample(3000, 1)[:200]
    quality = raise_ef(index, vectors, vectors[own], own, settings)
    assert quality.recall is not None
    assert quality.recall >= 0.95
    assert quality.ef > 1


def test_the_query_itself_is_not_among_its_neighbours() -> None:
    # Beside itself, 0 has 1 and 2 nearest, of which 1 was found; 3 has 2 and 1, both found.
    index = FixedIndex({4: [[0, 1, 3], [3, 2, 1]]})
    own = np.array([0, 3])
    quality = raise_ef(index, FAN, FAN[own], own, Settings(metric_k=2, index_ef=4, index_ef_max=4))
    assert quality.recall == 3 / 4


def test_the_own_position_is_dropped_or_else_the_last_result() -> None:
    found = np.array([[5, 1, 2], [1, 2, 3]])
    assert without_own(found, np.array([1, 9]), 2).tolist() == [[5, 2], [1, 2]]


def test_any_of_equal_vectors_is_a_correct_result() -> None:
    twins = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    quality = raise_ef(FixedIndex({4: [[1]]}), twins, AXES[:1], None, Settings(metric_k=1, index_ef=4, index_ef_max=4))
    assert quality.recall == 1.0


def test_without_queries_or_items_there_is_no_recall() -> None:
    lonely = np.ones((1, 2), np.float32)
    settings = Settings(metric_k=2, index_ef=4)
    alone = raise_ef(FixedIndex({4: [[0]]}), lonely, lonely, np.array([0]), settings)
    unasked = raise_ef(FixedIndex({}), lonely, lonely[:0], None, settings)
    assert alone.recall is None
    assert unasked.recall is None


def test_a_sample_is_ascending_bounded_and_the_same_every_time() -> None:
    chosen = sample(5000, 9)
    assert len(set(chosen.tolist())) == 1000
    assert (np.diff(chosen) > 0).all()
    assert chosen.tolist() == sample(5000, 9).tolist()
    assert sample(3, 9).tolist() == [0, 1, 2]


def test_a_curve_extends_to_the_ef_in_use_and_does_not_change_it() -> None:
    # k is 2: it begins at 3, the smallest that can find k beside the query itself.
    answers = {3: [[0, 3], [3, 0]], 5: [[0, 1], [3, 2]], 6: [[0, 1], [3, 2]], 12: [[0, 1], [3, 2]]}
    index = FixedIndex(answers)
    index.set_ef(5)
    curve = recall_curve(index, FAN, AXES, None, Settings(metric_k=2, index_ef_max=100))
    assert [(each.ef, each.recall) for each in curve] == [(3, 0.5), (5, 1.0), (6, 1.0)]
    assert index.ef == 5


def test_a_curve_ends_at_the_bound_of_ef() -> None:
    answers = {ef: [[0, 3], [3, 0]] for ef in (3, 6)}
    index = FixedIndex(answers)
    index.set_ef(6)
    curve = recall_curve(index, FAN, AXES, None, Settings(metric_k=2, index_ef_max=7))
    assert [(each.ef, each.recall) for each in curve] == [(3, 0.5), (6, 0.5)]
