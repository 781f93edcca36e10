import json
from pathlib import Path

import numpy as np
import pytest

from ml.index.exact_search import ExactSearch
from ml.index.hnsw import COSINE, INNER_PRODUCT, HnswIndex, build, load
from ml.index.retrieval_space import append_biases, append_ones
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from tests.support.refusals import refused

SETTINGS = Settings(index_ef=50)


def vectors_of(count: int, dim: int = 6) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, dim)).astype(np.float32)


def ids_of(count: int) -> np.ndarray:
    return np.array([f"i{n:03d}" for n in range(count)], dtype=object)


@pytest.fixture
def index() -> HnswIndex:
    return build(vectors_of(200), ids_of(200), COSINE, SETTINGS)


def test_the_nearest_of_a_vector_is_itself(index: HnswIndex) -> None:
    assert index.query(vectors_of(200)[:20], 1)[:, 0].tolist() == list(range(20))


def test_neighbours_by_inner_product_rank_as_the_model_scores() -> None:
    vectors, biases = vectors_of(120), np.linspace(-3, 3, 120, dtype=np.float32)
    users = np.random.default_rng(4).normal(size=(5, 6)).astype(np.float32)
    found = build(append_biases(vectors, biases), ids_of(120), INNER_PRODUCT, SETTINGS).query(append_ones(users), 120)
    expected = np.argsort(-(users @ vectors.T + biases), axis=1)
    assert found.tolist() == expected.tolist()


def test_more_neighbours_than_items_are_padded() -> None:
    found = build(vectors_of(3), ids_of(3), COSINE, SETTINGS).query(vectors_of(3)[:1], 5)
    assert sorted(found[0, :3].tolist()) == [0, 1, 2]
    assert found[0, 3:].tolist() == [-1, -1]


def test_a_graph_that_returns_too_few_falls_back_to_exact_search() -> None:
    # Many equal vectors in tight clusters leave a thin graph in parts that a walk cannot reach.
    vectors = np.repeat(np.eye(4, dtype=np.float32), 100, axis=0)
    thin = build(vectors, ids_of(400), COSINE, Settings(index_m=2, index_ef_construction=2, index_ef=1))
    with pytest.raises(RuntimeError):
        thin._graph.knn_query(vectors[:1], 400)
    assert thin.query(vectors[350:351], 400)[0, :100].tolist() == list(range(300, 400))


def test_two_builds_write_the_same_bytes(index: HnswIndex, tmp_path: Path) -> None:
    one = index.save(tmp_path / "one", {})
    other = build(vectors_of(200), ids_of(200), COSINE, SETTINGS).save(tmp_path / "other", {})
    assert one == other


def test_a_loaded_index_returns_the_same_results_with_its_ids_and_ef(index: HnswIndex, tmp_path: Path) -> None:
    index.set_ef(77)
    index.save(tmp_path / "index", {"recall": 0.99})
    loaded = load(tmp_path / "index")
    assert loaded.ef == 77
    assert loaded.item_ids.tolist() == index.item_ids.tolist()
    assert loaded.query(vectors_of(9), 10).tolist() == index.query(vectors_of(9), 10).tolist()
    manifest = json.loads((tmp_path / "index" / "manifest.json").read_text())
    assert (manifest["dim"], manifest["item_count"], manifest["metric"]) == (6, 200, "cosine")
    assert manifest["recall"] == 0.99


@pytest.mark.parametrize("name", ["index.bin", "item_ids.parquet"])
def test_a_damaged_file_is_refused(index: HnswIndex, tmp_path: Path, name: str) -> None:
    index.save(tmp_path / "index", {})
    damaged = tmp_path / "index" / name
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    with refused(NightjarError, "digest_differs", file=damaged):
        load(tmp_path / "index")


def test_ids_of_another_number_than_the_graph_are_refused(index: HnswIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "index", {})
    manifest = tmp_path / "index" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"item_count": 200', '"item_count": 199'))
    with refused(
        NightjarError, "manifest_mismatch", file=manifest.with_name("item_ids.parquet"), value=200, expected=199
    ):
        load(tmp_path / "index")


def test_a_query_of_another_dimension_is_refused(index: HnswIndex) -> None:
    with refused(NightjarError, "dimension_mismatch", value=4, expected=6):
        index.query(np.ones((1, 4), np.float32), 3)


@pytest.mark.parametrize("metric", [COSINE, INNER_PRODUCT])
def test_a_vector_that_is_not_finite_is_refused(metric: str) -> None:
    vectors = vectors_of(3)
    vectors[1] = np.nan
    with refused(NightjarError, "not_finite"):
        build(vectors, ids_of(3), metric, SETTINGS)


def test_a_vector_that_is_zero_has_an_inner_product_and_no_cosine() -> None:
    vectors = np.array([[1, 0], [0, 0], [-1, 0]], np.float32)
    queries = np.array([[2, 0]], np.float32)
    assert build(vectors, ids_of(3), INNER_PRODUCT, SETTINGS).query(queries, 3).tolist() == [[0, 1, 2]]
    with refused(NightjarError, "zero_vector"):
        build(vectors, ids_of(3), COSINE, SETTINGS)


def test_a_loaded_index_searches_by_its_own_metric(tmp_path: Path) -> None:
    # By cosine the short vector in the query's direction would be the first.
    vectors = np.array([[0.1, 0], [1, 1]], np.float32)
    build(vectors, ids_of(2), INNER_PRODUCT, SETTINGS).save(tmp_path / "index", {})
    loaded = load(tmp_path / "index")
    assert loaded.metric == json.loads((tmp_path / "index" / "manifest.json").read_text())["metric"] == "ip"
    assert loaded.query(np.array([[1, 0]], np.float32), 2).tolist() == [[1, 0]]


def test_an_index_retrieves_the_items_of_exact_search(index: HnswIndex) -> None:
    vectors = vectors_of(200)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = ExactSearch(unit[:50], unit).best(10)
    found = index.query(vectors[:50], 10)
    shared = [len(set(one) & set(other)) for one, other in zip(found.tolist(), exact.tolist(), strict=True)]
    assert np.mean(shared) >= 9.9


@pytest.mark.parametrize("metric", [COSINE, INNER_PRODUCT])
def test_an_index_of_no_item_is_saved_and_returns_nothing(tmp_path: Path, metric: str) -> None:
    build(vectors_of(0), ids_of(0), metric, SETTINGS).save(tmp_path / "index", {})
    again = load(tmp_path / "index")
    assert again.item_ids.tolist() == []
    assert again.query(vectors_of(2), 3).tolist() == [[-1] * 3] * 2
