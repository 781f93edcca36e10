"""The folder of a model: written and read back, and read as earlier versions wrote it."""

import hashlib
import json
import mmap
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.embeddings import check_manifest, read_manifest, sha256
from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources, SourceFacts
from nightjar.contract.artifacts.sources import (
    COLD,
    HistoryRule,
    ItemScores,
    ItemWeights,
    Source,
    VectorSource,
    raised,
)
from nightjar.contract.artifacts.user_features import UserFeatures, read_user_features
from nightjar.contract.errors import NightjarError
from nightjar.ranking.blend import blend_of
from tests.support.refusals import refused
from tests.support.small_models import csr, embeddings_of

# Items 0 to 2 are trained, 3 and 4 known by features.
TRAINED = embeddings_of(
    [[1, 7]],
    [[1, 0], [2, 0], [3, 0], [5, 0], [7, 0]],
    item_biases=[0.5, 0, 0, 0, 0],
    item_sources=[2, 2, 2, 1, 1],
)
WEIGHTS = csr([[0, 3, -3, 2, -2], [0, 0, 4, 0, 0], *[[0] * 5] * 3])
AVERAGE = np.array([0, 1, -2, 0.25, 0], np.float32)
SOURCES = (
    Source("ease", 0.25, ItemWeights(csr([[0, 3, -3, 0, 0], *[[0] * 5] * 4]), HistoryRule(2.0), AVERAGE)),
    Source("content", 0.75, ItemWeights(csr([[0, 0, 0, 2, -2], *[[0] * 5] * 4])), COLD),
    Source("trending", 0.125, ItemScores(np.array([4, 3, 2, 1, 0], np.float32))),
    Source("other", 0.0, VectorSource(*(np.array(each, np.float32) for each in ([[3]], [[1]] * 5, [0] * 5)))),
)
MODEL = ModelSources(TRAINED, SOURCES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model_folder.save(MODEL, tmp_path / "model")
    return tmp_path / "model"


def test_sources_of_every_kind_are_read_as_they_were_written(folder: Path) -> None:
    check_manifest(folder)
    read = model_folder.mapped(folder)
    for name, array in vars(TRAINED).items():
        assert getattr(read.embeddings, name).tolist() == array.tolist(), name
    assert [(each.name, each.weight, each.items) for each in read.others] == [
        ("ease", 0.25, "warm"),
        ("content", 0.75, "cold"),
        ("trending", 0.125, "warm"),
        ("other", 0.0, "warm"),
    ]
    for found, written in zip(read.others, SOURCES, strict=True):
        assert type(found.fitted) is type(written.fitted)
        for name, array in written.fitted.arrays().items():
            assert found.fitted.arrays()[name].tolist() == array.tolist(), name
            assert found.fitted.arrays()[name].dtype == array.dtype, name
    ease, content = (each.fitted for each in read.others[:2])
    assert isinstance(ease, ItemWeights)
    assert isinstance(content, ItemWeights)
    assert (ease.history, content.history) == (HistoryRule(2.0), HistoryRule(1.0))
    assert content.average is None


def test_arrays_are_mapped_not_copied(folder: Path) -> None:
    def is_mapped(array: object) -> bool:
        while (base := getattr(array, "base", None)) is not None:
            array = base
        return isinstance(array, mmap.mmap)

    ease, _, trending, _ = (each.fitted for each in model_folder.mapped(folder).others)
    assert isinstance(trending, ItemScores)
    assert isinstance(ease, ItemWeights)
    assert [is_mapped(each) for each in (trending.scores, ease.weights.data, ease.weights.indices)] == [True] * 3
    assert not is_mapped(np.zeros(2))


def test_the_manifest_names_each_source_with_kind_items_weight_and_digest(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert {name: sha256(folder / name) for name in manifest["sha256"]} == manifest["sha256"]
    assert [{name: value for name, value in each.items() if name != "sha256"} for each in manifest["sources"]] == [
        {"name": "lightfm", "kind": "vectors", "items": "warm", "weight": 0.625},
        {"name": "ease", "kind": "item_weights", "items": "warm", "weight": 0.25, "history_exponent": 2.0},
        {"name": "content", "kind": "item_weights", "items": "cold", "weight": 0.75, "history_exponent": 1.0},
        {"name": "trending", "kind": "item_scores", "items": "warm", "weight": 0.125},
        {"name": "other", "kind": "vectors", "items": "warm", "weight": 0.0},
    ]
    files = {
        "lightfm": [
            "item_biases.npy",
            "item_ids.parquet",
            "item_known.npy",
            "item_vectors.npy",
            "user_biases.npy",
            "user_ids.parquet",
            "user_known.npy",
            "user_vectors.npy",
        ],
        "ease": ["ease.average.npy", "ease.data.npy", "ease.indices.npy", "ease.indptr.npy"],
        "content": ["content.data.npy", "content.indices.npy", "content.indptr.npy"],
        "trending": ["trending.scores.npy"],
        "other": ["other.item_biases.npy", "other.item_vectors.npy", "other.user_vectors.npy"],
    }
    assert sorted(manifest["sha256"]) == sorted(name for names in files.values() for name in names)
    for each in manifest["sources"]:
        lines = "".join(f"{name} {manifest['sha256'][name]}\n" for name in files[each["name"]])
        assert each["sha256"] == hashlib.sha256(lines.encode()).hexdigest(), each["name"]


def test_a_source_that_differs_from_its_digest_is_refused(folder: Path) -> None:
    np.save(folder / "trending.scores.npy", np.zeros(5, np.float32))
    with refused(NightjarError, "digest_differs", wording=False, file=folder / "trending.scores.npy"):
        embeddings.load(folder)


def test_weights_of_warm_and_of_cold_items_leave_the_embeddings_the_rest_of_1() -> None:
    assert (MODEL.embedding_weight("warm"), MODEL.embedding_weight(COLD)) == (0.625, 0.25)
    assert [each.name for each in MODEL.of_weight()] == ["ease", "content", "trending"]
    assert next(MODEL.facts()) == SourceFacts(LIGHTFM, "vectors", "warm", 0.625)
    assert list(ModelSources(TRAINED).facts()) == [SourceFacts(LIGHTFM, "vectors", "warm", 1)]


def test_the_features_of_users_are_kept_beside_the_sources(tmp_path: Path) -> None:
    features = UserFeatures(
        np.array(["job:x"], object), np.array([3]), np.array([True]), np.ones((1, 2), np.float32), 2.0
    )
    model_folder.save(MODEL, tmp_path / "model", features)
    check_manifest(tmp_path / "model")
    read = read_user_features(tmp_path / "model")
    assert read is not None
    assert (read.names.tolist(), read.max_weight) == (["job:x"], 2.0)


def test_a_model_of_embeddings_alone_has_one_source(tmp_path: Path) -> None:
    model_folder.save(ModelSources(TRAINED), tmp_path / "model")
    assert model_folder.mapped(tmp_path / "model").others == ()
    [source] = read_manifest(tmp_path / "model")["sources"]
    assert (source["name"], source["weight"]) == (LIGHTFM, 1)


def test_a_power_of_zero_makes_every_weight_of_a_history_one() -> None:
    history = sparse.csr_matrix(np.array([[0, 3, 0.5]], np.float32))
    assert raised(history, 0).toarray().tolist() == [[0, 1, 1]]
    assert HistoryRule(2.0).weighed(history).toarray().tolist() == [[0, 9, 0.25]]


def write_as_earlier(folder: Path, rule: list[float] | None, average: np.ndarray | None = None) -> None:
    """Write embeddings and one matrix of co-occurrence weights of all items, as earlier versions did."""
    folder.mkdir()
    embeddings.write(TRAINED, folder)
    if rule is not None:
        parts = {"weights": WEIGHTS.data, "items": WEIGHTS.indices, "starts": WEIGHTS.indptr, "rule": np.array(rule)}
        parts |= {} if average is None else {"average": average}
        for name, array in parts.items():
            np.save(folder / f"cooccurrence_{name}.npy", array, allow_pickle=False)
    digests = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    (folder / "manifest.json").write_text(json.dumps({"sha256": digests}, indent=2), encoding="utf-8")


def earlier(tmp_path: Path, rule: list[float] | None, average: np.ndarray | None = None) -> ModelSources:
    write_as_earlier(tmp_path / "model", rule, average)
    check_manifest(tmp_path / "model")
    return model_folder.mapped(tmp_path / "model")


def test_the_weights_of_an_earlier_version_are_two_sources(tmp_path: Path) -> None:
    model = earlier(tmp_path, [0.25, 2.0, 0.75], AVERAGE)
    assert [(each.name, each.weight, each.items) for each in model.others] == [
        ("cooccurrence", 0.25, "warm"),
        ("cooccurrence_cold", 0.75, "cold"),
    ]
    warm, cold = (each.fitted for each in model.others)
    assert isinstance(warm, ItemWeights)
    assert isinstance(cold, ItemWeights)
    assert warm.weights.toarray().tolist() == [[0, 3, -3, 0, 0], [0, 0, 4, 0, 0], *[[0] * 5] * 3]
    assert cold.weights.toarray().tolist() == [[0, 0, 0, 2, -2], *[[0] * 5] * 4]
    assert warm.history == cold.history == HistoryRule(2.0)
    for each in (warm, cold):
        assert each.average is not None
        assert each.average.tolist() == AVERAGE.tolist()
    # The weights of one row of items with interactions, and no zero is kept.
    assert (warm.weights.nnz, cold.weights.nnz, warm.weights.dtype) == (3, 2, np.float32)


def test_the_first_models_have_no_weight_of_cold_items_and_older_ones_no_other_source(tmp_path: Path) -> None:
    first = earlier(tmp_path, [0.4, 1.0])
    assert [(each.name, each.weight) for each in first.others] == [("cooccurrence", 0.4), ("cooccurrence_cold", 0.0)]
    assert [each.fitted.average for each in first.others if isinstance(each.fitted, ItemWeights)] == [None, None]
    (tmp_path / "older").mkdir()
    assert earlier(tmp_path / "older", None).others == ()


def test_a_model_of_an_earlier_version_scores_as_it_did(tmp_path: Path) -> None:
    # Embedding scores 1.5, 2, 3: mean 13/6, variance 7/18; 5 and 7 of the cold items. Co-occurrence 0, 6, -6.
    blend = blend_of(earlier(tmp_path, [0.25, 1.0, 0.75]))
    scores = blend.scores({LIGHTFM: np.array([[1, 7]], np.float32)}, csr([[2, 0, 0, 0, 0]])).total[0]
    mean, unit = 13 / 6, np.sqrt(7 / 18)
    embedded = (np.array([1.5, 2, 3]) - mean) / unit
    assert scores[:3] == pytest.approx(0.75 * embedded + 0.25 * np.array([0, 6, -6]) / np.sqrt(24), abs=1e-5)
    # Cold items: mean 6, spread 1; 4 for item 3 and -4 for item 4 are 1 and -1 spreads.
    expected = [(0.25 * 5 + 0.75 * 7 - mean) / unit, (0.25 * 7 + 0.75 * 5 - mean) / unit]
    assert scores[3:] == pytest.approx(expected, abs=1e-5)
    assert blend.names == (LIGHTFM, "cooccurrence", "cooccurrence_cold")


def test_a_model_of_an_earlier_version_is_written_anew_with_the_same_scores(tmp_path: Path) -> None:
    old = earlier(tmp_path, [0.25, 2.0, 0.75], AVERAGE)
    model_folder.save(old, tmp_path / "new")
    users, history = {LIGHTFM: np.array([[1, 7]], np.float32)}, csr([[2, 1, 0, 0, 0]])
    scores = [
        blend_of(each).scores(users, history).total.tolist() for each in (old, model_folder.mapped(tmp_path / "new"))
    ]
    assert scores[0] == scores[1]
