"""The folder of a model: written and read back, and read as earlier versions wrote it."""

import hashlib
import json
import mmap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.embeddings import check_manifest, read_manifest, sha256
from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources, SourceFacts
from nightjar.contract.artifacts.sources import (
    COLD,
    IN_DOMAIN,
    NEW_TO_DOMAIN,
    USERS,
    WITHOUT_ITEMS,
    History,
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
from tests.support.small_models import csr, embeddings_of, unordered

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
    Source("ease", 0.25, ItemWeights(csr([[0, 3, -3, 0, 0], *[[0] * 5] * 4]), HistoryRule(2.0, 20, 4.0), AVERAGE)),
    Source("content", 0.75, ItemWeights(csr([[0, 0, 0, 2, -2], *[[0] * 5] * 4])), COLD),
    Source("trending", 0.125, ItemScores(np.array([4, 3, 2, 1, 0], np.float32)), "warm", 0.5, 0.25),
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
    weights = {each.name: [each.weight_for(users) for users in USERS] for each in read.others}
    assert weights == {
        "ease": [0.25, 0.25, 0.0],
        "content": [0.75, 0.75, 0.0],
        "trending": [0.125, 0.5, 0.25],
        "other": [0.0, 0.0, 0.0],
    }
    assert [each.items for each in read.others] == ["warm", "cold", "warm", "warm"]
    for found, written in zip(read.others, SOURCES, strict=True):
        assert type(found.fitted) is type(written.fitted)
        for name, array in written.fitted.arrays().items():
            assert found.fitted.arrays()[name].tolist() == array.tolist(), name
            assert found.fitted.arrays()[name].dtype == array.dtype, name
    ease, content = (each.fitted for each in read.others[:2])
    assert isinstance(ease, ItemWeights)
    assert isinstance(content, ItemWeights)
    assert (ease.history, content.history) == (HistoryRule(2.0, 20, 4.0), HistoryRule(1.0, 0, 0.0))
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


def weights(in_domain: float, new_to_domain: float, cold_user: float) -> dict[str, float]:
    return {"weight": in_domain, "weight_new_to_domain": new_to_domain, "weight_cold_user": cold_user}


def rule(exponent: float, newest: int, decay: float) -> dict[str, float]:
    return {"history_exponent": exponent, "history_newest": newest, "history_decay": decay}


def test_the_manifest_names_each_source_with_kind_items_weight_and_digest(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert {name: sha256(folder / name) for name in manifest["sha256"]} == manifest["sha256"]
    assert [{name: value for name, value in each.items() if name != "sha256"} for each in manifest["sources"]] == [
        {"name": "lightfm", "kind": "vectors", "items": "warm", **weights(0.625, 0.25, 0.75)},
        {"name": "ease", "kind": "item_weights", "items": "warm", **weights(0.25, 0.25, 0.0), **rule(2.0, 20, 4.0)},
        {"name": "content", "kind": "item_weights", "items": "cold", **weights(0.75, 0.75, 0.0), **rule(1.0, 0, 0.0)},
        {"name": "trending", "kind": "item_scores", "items": "warm", **weights(0.125, 0.5, 0.25)},
        {"name": "other", "kind": "vectors", "items": "warm", **weights(0.0, 0.0, 0.0)},
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
    lightfm, *others = MODEL.facts()
    assert lightfm == SourceFacts(LIGHTFM, "vectors", "warm", 0.625, 0.25, 0.75)
    assert others[2] == SourceFacts("trending", "item_scores", "warm", 0.125, 0.5, 0.25)
    assert list(ModelSources(TRAINED).facts()) == [SourceFacts(LIGHTFM, "vectors", "warm", 1, 1, 1)]


def test_the_embeddings_have_what_the_sources_leave_for_each_kind_of_users() -> None:
    found = {users: [MODEL.embedding_weight(items, users) for items in ("warm", COLD)] for users in USERS}
    assert found == {IN_DOMAIN: [0.625, 0.25], NEW_TO_DOMAIN: [0.25, 0.25], WITHOUT_ITEMS: [0.75, 1.0]}


@pytest.mark.parametrize(
    ("of_users", "expected"),
    [
        ({}, [0.5, 0.5, 0.0]),
        ({"weight_new_to_domain": 0.0}, [0.5, 0.0, 0.0]),
        ({"weight_new_to_domain": 0.25, "weight_cold_user": 0.125}, [0.5, 0.25, 0.125]),
    ],
)
def test_the_weight_is_the_same_for_new_users_and_none_for_cold_ones_unless_given(
    of_users: dict[str, float], expected: list[float]
) -> None:
    source = Source("trending", 0.5, ItemScores(np.zeros(5, np.float32)), **of_users)
    assert [source.weight_for(users) for users in (IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS)] == expected


def test_a_source_with_a_weight_for_some_users_is_one_of_weight() -> None:
    scores = ItemScores(np.zeros(5, np.float32))
    sources = (
        Source("new", 0.0, scores, weight_new_to_domain=0.5),
        Source("cold", 0.0, scores, weight_cold_user=0.5),
        Source("resting", 0.0, scores),
        Source("at_home", 0.5, scores, weight_new_to_domain=0.0),
    )
    assert [each.name for each in ModelSources(TRAINED, sources).of_weight()] == ["new", "cold", "at_home"]


def sharing() -> ModelSources:
    """A model of two sources of the same weights, of which one subtracts an average, and of a third of its own."""
    ease = ItemWeights(WEIGHTS, HistoryRule(2.0), AVERAGE, other_histories={"even": HistoryRule(0.0, 3, 1.5)})
    (name, first), (other_name, second) = ease.sources("ease")
    apart = Source("transitions", 0.125, ItemWeights(WEIGHTS.copy()))
    return ModelSources(
        TRAINED, (Source(name, 0.25, first), Source(other_name, 0.125, replace(second, average=-AVERAGE)), apart)
    )


def test_item_weights_of_several_histories_are_a_source_for_each() -> None:
    first, second, third = sharing().others
    assert (first.name, second.name, third.name) == ("ease", "ease_even", "transitions")
    assert isinstance(first.fitted, ItemWeights)
    assert isinstance(second.fitted, ItemWeights)
    assert first.fitted.weights is second.fitted.weights
    assert (first.fitted.history, second.fitted.history) == (HistoryRule(2.0), HistoryRule(0.0, 3, 1.5))
    assert (first.fitted.other_histories, second.fitted.other_histories) == ({}, {})


def test_the_weights_that_two_sources_share_are_written_once_and_read_by_both(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    model_folder.save(sharing(), folder)
    check_manifest(folder)
    arrays = sorted(path.name for path in folder.glob("*.*.npy"))
    assert arrays == [
        *("ease.average.npy", "ease.data.npy", "ease.indices.npy", "ease.indptr.npy", "ease_even.average.npy"),
        *("transitions.data.npy", "transitions.indices.npy", "transitions.indptr.npy"),
    ]
    _, ease, even, transitions = read_manifest(folder)["sources"]
    assert [each.get("weights_of") for each in (ease, even, transitions)] == [None, "ease", None]
    read = model_folder.mapped(folder)
    for found, written in zip(read.others, sharing().others, strict=True):
        assert isinstance(found.fitted, ItemWeights)
        assert isinstance(written.fitted, ItemWeights)
        assert found.fitted.weights.toarray().tolist() == WEIGHTS.toarray().tolist(), found.name
        assert found.fitted.history == written.fitted.history
    of_ease, of_even, of_transitions = (each.fitted.weights for each in read.others)
    assert of_ease is of_even is not of_transitions
    averages = [each.fitted.average for each in read.others if isinstance(each.fitted, ItemWeights)]
    assert [None if each is None else each.tolist() for each in averages] == [
        AVERAGE.tolist(),
        (-AVERAGE).tolist(),
        None,
    ]


def test_the_digest_of_a_source_covers_the_weights_that_it_shares(tmp_path: Path) -> None:
    model_folder.save(sharing(), tmp_path / "model")
    manifest = read_manifest(tmp_path / "model")
    files = {
        "ease": ["ease.average.npy", "ease.data.npy", "ease.indices.npy", "ease.indptr.npy"],
        "ease_even": [
            *("ease.average.npy", "ease.data.npy", "ease.indices.npy", "ease.indptr.npy", "ease_even.average.npy")
        ],
    }
    digests = {each["name"]: each["sha256"] for each in manifest["sources"]}
    for name, of_source in files.items():
        lines = "".join(f"{file} {manifest['sha256'][file]}\n" for file in of_source)
        assert digests[name] == hashlib.sha256(lines.encode()).hexdigest(), name


def test_a_manifest_without_weights_by_users_and_with_exponents_alone_is_read_as_before(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    later = ("weight_new_to_domain", "weight_cold_user", "history_newest", "history_decay")
    for source in manifest["sources"]:
        for name in later:
            source.pop(name, None)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    read = {each.name: each for each in model_folder.mapped(folder).others}
    assert [read["trending"].weight_for(users) for users in USERS] == [0.125, 0.125, 0.0]
    assert isinstance(read["ease"].fitted, ItemWeights)
    assert read["ease"].fitted.history == HistoryRule(2.0)


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
    assert HistoryRule(2.0).weighed(History.unordered(history)).toarray().tolist() == [[0, 9, 0.25]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (HistoryRule(), [[0.5, 0, 2, 3], [0, 4, 0, 0]]),
        (HistoryRule(2.0), [[0.25, 0, 4, 9], [0, 16, 0, 0]]),
        (HistoryRule(1.0, newest=2), [[0.5, 0, 2, 0], [0, 4, 0, 0]]),
        # Ranks 1 and 3 are e^0 and e^-1, and rank 2 is e^-0.5.
        (HistoryRule(1.0, decay=2.0), [[0.5, 0, 2 * np.exp(-0.5), 3 * np.exp(-1)], [0, 4, 0, 0]]),
        (HistoryRule(0.0, newest=2, decay=1.0), [[1, 0, np.exp(-1), 0], [0, 1, 0, 0]]),
    ],
    ids=["as they are", "exponent", "newest", "decay", "all"],
)
def test_a_history_is_weighed_by_exponent_by_the_number_of_the_newest_and_by_decay(
    rule: HistoryRule, expected: list[list[float]]
) -> None:
    history = History(csr([[0.5, 0, 2, 3], [0, 4, 0, 0]]), csr([[1, 0, 2, 3], [0, 1, 0, 0]]))
    weighed = rule.weighed(history)
    assert weighed.toarray() == pytest.approx(np.array(expected), abs=1e-6)
    assert (weighed.dtype, weighed.nnz) == (np.float32, np.count_nonzero(expected))
    # The history stays as it is.
    assert history.weights.toarray().tolist() == [[0.5, 0, 2, 3], [0, 4, 0, 0]]


def test_histories_of_some_users_and_of_two_kinds_of_users_keep_weights_and_ranks_together() -> None:
    history = History(csr([[0, 5, 7], [0, 0, 0], [2, 0, 0]]), csr([[0, 2, 1], [0, 0, 0], [1, 0, 0]]))
    some = history.of(np.array([2, 0]))
    assert some.weights.toarray().tolist() == [[2, 0, 0], [0, 5, 7]]
    assert some.newest_ranks.toarray().tolist() == [[1, 0, 0], [0, 2, 1]]
    both = history.beside(History(csr([[0] * 3, [4, 0, 6], [0] * 3]), csr([[0] * 3, [2, 0, 1], [0] * 3])))
    assert both.weights.toarray().tolist() == [[0, 5, 7], [4, 0, 6], [2, 0, 0]]
    assert both.newest_ranks.toarray().tolist() == [[0, 2, 1], [2, 0, 1], [1, 0, 0]]
    assert unordered([[0, 5, 7]]).newest_ranks.toarray().tolist() == [[0, 1, 1]]


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
    scores = blend.scores({LIGHTFM: np.array([[1, 7]], np.float32)}, unordered([[2, 0, 0, 0, 0]])).total()[0]
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
    users, history = {LIGHTFM: np.array([[1, 7]], np.float32)}, unordered([[2, 1, 0, 0, 0]])
    scores = [
        blend_of(each).scores(users, history).total().tolist() for each in (old, model_folder.mapped(tmp_path / "new"))
    ]
    assert scores[0] == scores[1]
