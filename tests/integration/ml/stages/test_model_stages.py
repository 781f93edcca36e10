"""The four stages in order, on planted tastes, with a real MLflow store."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from ml.evaluation import blend_weights
from ml.evaluation.cold_item_weights import ColdItemWeights
from ml.evaluation.holdout_slices import FOLD_IN
from ml.evaluation.holdout_slices import SLICES as HOLDOUT_SLICES
from ml.index.hnsw import load
from ml.stages import build_indices, evaluate_model, fit_model, gate_model
from ml.tracking import TrackedRun
from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.sources import USERS, ItemScores, ItemWeights
from nightjar.contract.artifacts.user_features import read_user_features
from nightjar.contract.errors import BadInput, GateRefused
from nightjar.publishing.output_rows import arrow_schema, read_rows
from tests.support.pair_features import write_pairs
from tests.support.popularity_features import write_popularity
from tests.support.refusals import refused

COLUMNS = dict(zip(USERS, ("weight", "weight_new_to_domain", "weight_cold_user"), strict=True))
TRENDING = tuple(f"trending_{days}_days" for days in (1, 4, 14, 60))
SLICES = (*HOLDOUT_SLICES, FOLD_IN)


@pytest.fixture(scope="module")
def trained_run(planted: Any) -> Any:
    for each in (evaluate_model, gate_model, fit_model, build_indices):
        each.run(planted.settings, planted.folder)
    return planted


@pytest.fixture(scope="module")
def model(trained_run: Any) -> Embeddings:
    return embeddings.load(trained_run.folder.model)


def metric(trained_run: Any, model: str, name: str, metric: str) -> float:
    rows = read_rows(trained_run.folder, "model_metrics")
    keys = (model, name, metric)
    return next(float(row["value"]) for row in rows if (row["model"], row["slice"], row["metric"]) == keys)


def test_recall_of_planted_tastes_is_well_above_popularity(trained_run: Any) -> None:
    assert metric(trained_run, "nightjar", "warm", "recall") > 1.5 * metric(trained_run, "popularity", "warm", "recall")
    assert metric(trained_run, "nightjar", "warm", "auc") > 0.8


def test_cold_users_and_items_are_ranked_by_their_feature(trained_run: Any) -> None:
    # u29 has the feature odd and odd items; i39 has the feature odd and odd users.
    assert metric(trained_run, "nightjar", "cold_user", "auc") > 0.7
    assert metric(trained_run, "nightjar", "cold_item", "auc") > metric(trained_run, "popularity", "cold_item", "auc")


def test_a_folded_in_user_gets_items_similar_to_their_own(trained_run: Any) -> None:
    # u29 was out of train and is folded in by nine of their odd items; the others are the truth.
    assert metric(trained_run, "nightjar", "fold_in", "auc") > 0.7
    assert metric(trained_run, "nightjar", "fold_in", "auc") > metric(trained_run, "popularity", "fold_in", "auc")


def test_every_output_has_the_columns_of_its_table(trained_run: Any) -> None:
    for name in ("model_metrics", "item_embeddings", "user_embeddings", "index_manifest", "model_sources"):
        assert pq.read_table(trained_run.folder.output(name)).schema.equals(arrow_schema(name))


def test_published_embeddings_are_those_of_the_model_without_unknown_ones(trained_run: Any, model: Embeddings) -> None:
    items = {row["item_id"]: row for row in read_rows(trained_run.folder, "item_embeddings")}
    users = {row["user_id"]: row for row in read_rows(trained_run.folder, "user_embeddings")}
    assert set(items) == {f"i{n:02d}" for n in range(43)} - {"i41"}
    assert set(users) == {f"u{n:02d}" for n in range(31)}
    assert items["i07"]["embedding"] == model.item_vectors[7].tolist()
    assert items["i07"]["bias"] == pytest.approx(float(model.item_biases[7]))
    assert [items[key]["source"] for key in ("i39", "i40", "i42")] == ["trained", "features_only", "features_only"]
    assert users["u30"]["source"] == "features_only"


def test_the_model_keeps_the_vectors_of_user_features_except_identities(trained_run: Any, model: Embeddings) -> None:
    features = read_user_features(trained_run.folder.model)
    assert features is not None
    assert features.names.tolist() == ["taste:even", "taste:odd"]
    assert (features.carriers.tolist(), features.is_informative.tolist()) == ([16, 15], [True, True])
    assert features.max_weight == trained_run.settings.max_feature_weight
    # u30 carries this one feature only.
    assert features.vectors[0].tolist() == model.user_vectors[30].tolist()


def test_the_folder_of_the_model_has_its_sources_and_their_rows_say_how_long_each_fit_took(trained_run: Any) -> None:
    rows = read_rows(trained_run.folder, "model_sources")
    facts = [(row["source"], row["kind"], row["items"], row["weight"]) for row in rows]
    settings, chosen = trained_run.settings, blend_weights.load(trained_run.folder.blend_weights).weights
    assert chosen is not None
    kinds = {"lightfm": "vectors", "als": "vectors", "content": "item_weights", "popular": "item_scores"}
    kinds |= dict.fromkeys(("ease", "ease_even", "ease_recent"), "item_weights")
    kinds |= dict.fromkeys(("transitions", "transitions_last", "transitions_long"), "item_weights")
    kinds |= dict.fromkeys(TRENDING, "item_scores")
    assert {source: kind for source, kind, _, _ in facts} == kinds
    # The weights of the model are those of the evaluation, which are rounded, and those of cold items the settings'.
    weights = {(row["source"], users): row[column] for row in rows for users, column in COLUMNS.items()}
    for users in USERS:
        of_users = {source: weights[source, users] for source in kinds if source != "content"}
        assert of_users == pytest.approx({source: chosen.weight(users, source) for source in of_users}, abs=1e-3)
    assert [(row["items"], row["weight"]) for row in rows if row["source"] == "content"] == [
        ("cold", settings.cold_item_share)
    ]
    assert all(row["fit_seconds"] >= 0 for row in rows)
    model = model_folder.mapped(trained_run.folder.model)
    assert [(each.source, each.kind, each.items, each.weight) for each in model.facts()] == facts
    # Three sources of a fit share its weights, which are written once.
    assert len(list(trained_run.folder.model.glob("ease*.data.npy"))) == 1
    fitted = {each.name: each.fitted for each in model.others}
    assert isinstance(fitted["ease"], ItemWeights)
    assert fitted["ease"].history.exponent == settings.cooccurrence_history_exponent
    # Everything that was held out counts in a final fit: i39 has users, and of the trendsetters some like i00.
    assert isinstance(fitted["popular"], ItemScores)
    assert isinstance(fitted["trending_14_days"], ItemScores)
    full = pq.read_table(trained_run.folder.features("full_interactions")).to_pandas()
    assert fitted["popular"].scores[39] == (full.item_index == 39).sum() > 0
    assert fitted["trending_14_days"].scores[0] == ((full.item_index == 0) & (full.user_index < 10)).sum()


def test_each_source_alone_has_its_metrics(trained_run: Any) -> None:
    rows = read_rows(trained_run.folder, "model_metrics")
    recalls = {(row["model"], row["slice"]) for row in rows if row["metric"] == "recall"}
    of_all = ("lightfm", "ease", "ease_even", "transitions", "transitions_last", "popular", *TRENDING)
    alone = {("content", "cold_item"), *((source, "all") for source in of_all)}
    models = {(model, name) for model in ("nightjar", "popularity") for name in SLICES}
    assert recalls >= alone | models
    # By tastes and by neighbours far more is found than by what everyone likes.
    assert metric(trained_run, "ease", "all", "recall") > 1.5 * metric(trained_run, "popular", "all", "recall")
    assert metric(trained_run, "lightfm", "all", "recall") > 1.5 * metric(
        trained_run, "trending_14_days", "all", "recall"
    )


def test_indices_of_a_model_of_an_earlier_version_come_with_the_rows_of_its_sources(
    trained_run: Any, plant: Callable[..., Any], tmp_path: Path
) -> None:
    other = plant(tmp_path)
    shutil.copytree(trained_run.folder.model, other.folder.model)
    as_an_earlier_version(other.folder.model)
    build_indices.run(other.settings, other.folder)
    rows = read_rows(other.folder, "model_sources")
    assert [(row["source"], row["kind"], row["items"], row["weight"], row["fit_seconds"]) for row in rows] == [
        ("lightfm", "vectors", "warm", 0.75, None),
        ("cooccurrence", "item_weights", "warm", 0.25, None),
        ("cooccurrence_cold", "item_weights", "cold", 0.5, None),
    ]
    assert pq.read_table(other.folder.output("model_sources")).schema.equals(arrow_schema("model_sources"))


def as_an_earlier_version(model: Path) -> None:
    """Turn the sources of a model into what earlier versions wrote: weights of warm and cold items in one matrix."""
    ease, content = model_folder.mapped(model).others[:2]
    assert isinstance(ease.fitted, ItemWeights)
    assert isinstance(content.fitted, ItemWeights)
    weights = (ease.fitted.weights + content.fitted.weights).tocsr()
    weights.sort_indices()
    for path in model.glob("*.*.npy"):
        path.unlink()
    arrays = {"weights": weights.data, "items": weights.indices, "starts": weights.indptr}
    arrays["rule"] = np.array([0.25, ease.fitted.history.exponent, 0.5])
    for name, array in arrays.items():
        np.save(model / f"cooccurrence_{name}.npy", array)
    files = [path for path in model.iterdir() if path.name != "manifest.json"]
    digests = {path.name: embeddings.sha256(path) for path in files}
    (model / "manifest.json").write_text(json.dumps({"sha256": digests}))


def test_indices_hold_the_available_and_known_items(trained_run: Any) -> None:
    for name in ("retrieval", "similarity"):
        ids = load(trained_run.folder.index(name)).item_ids.tolist()
        assert ids == [f"i{n:02d}" for n in range(41)]


def test_the_manifest_rows_name_folder_digest_and_measured_recall(trained_run: Any) -> None:
    rows = {row["index_name"]: row for row in read_rows(trained_run.folder, "index_manifest")}
    assert set(rows) == {"retrieval", "similarity"}
    for name, row in rows.items():
        assert Path(row["uri"]) == trained_run.folder.index(name)
        assert row["sha256"] == embeddings.sha256(trained_run.folder.index(name) / "index.bin")
        assert row["recall"] >= 0.95
        assert (row["item_count"], row["ef"], row["recall_k"]) == (41, 64, 10)
    assert (rows["retrieval"]["dim"], rows["retrieval"]["metric"]) == (9, "ip")
    assert (rows["similarity"]["dim"], rows["similarity"]["metric"]) == (8, "cosine")


def test_the_retrieval_index_ranks_as_the_model_scores(trained_run: Any, model: Embeddings) -> None:
    from_index = load(trained_run.folder.index("retrieval")).query(build_query(model, 4), 10)[0].tolist()
    scores = model.item_vectors[:41] @ model.user_vectors[4] + model.item_biases[:41]
    assert from_index == np.argsort(-scores, kind="stable")[:10].tolist()


def build_query(model: Embeddings, user: int) -> np.ndarray:
    return np.concatenate([model.user_vectors[user], [1]]).astype(np.float32)[None, :]


def test_each_gate_has_a_verdict(trained_run: Any) -> None:
    with trained_run.warehouse.connect(read_only=True) as connection:
        rows = connection.execute("select gate, verdict from recs.gate_decisions order by gate").fetchall()
    assert rows == [
        ("champion", "skipped"),
        ("champion_record", "skipped"),
        ("coverage", "skipped"),
        ("popularity", "passed"),
        ("retrieval_recall", "passed"),
        ("similarity_recall", "passed"),
    ]


def test_the_run_and_the_model_are_in_mlflow(trained_run: Any) -> None:
    tracked = json.loads((trained_run.folder.path / "mlflow_run.json").read_text())
    client = MlflowClient(trained_run.settings.mlflow_uri, trained_run.settings.mlflow_uri)
    run = client.get_run(tracked["run_id"])
    assert run.data.params["embedding_dim"] == "8"
    # Too few users have the one held-out cold item: as set.
    assert run.data.params["chosen_cold_item_share"] == "0.2"
    assert run.data.params["chosen_cold_item_regression_share"] == "0.5"
    assert run.data.params["train_pairs"] == str(
        pq.read_table(trained_run.folder.features("train_interactions")).num_rows
    )
    assert len(run.data.params["dataset_sha256"]) == 64
    logged = run.data.metrics["nightjar.all.recall_at_10"]
    assert logged == pytest.approx(metric(trained_run, "nightjar", "all", "recall"))
    assert len(client.get_metric_history(tracked["run_id"], "epoch.recall_at_10")) == 40
    assert {each.path for each in client.list_artifacts(tracked["run_id"], "plots")} == {
        "plots/exposure.png",
        "plots/metrics.png",
        "plots/popularity_weight.png",
        "plots/sources.png",
        "plots/training_curve.png",
    }
    arrays = {each.path for each in client.list_artifacts(tracked["run_id"], "model/model")}
    assert "model/model/manifest.json" in arrays
    assert client.get_model_version("nightjar", tracked["model_version"]).run_id == tracked["run_id"]


def test_progress_has_one_record_a_stage(trained_run: Any) -> None:
    lines = [json.loads(line) for line in trained_run.folder.progress.read_text().splitlines()]
    assert [line["stage"] for line in lines][:4] == ["evaluate_model", "gate_model", "fit_model", "build_indices"]
    assert all(line["rows"] > 0 for line in lines)


def test_a_second_run_of_the_same_data_is_the_same_to_the_byte(
    trained_run: Any, plant: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = plant(tmp_path)
    tracked = TrackedRun("a run", "1", "models:/nightjar/1")
    monkeypatch.setattr("ml.tracking.log_stage", lambda settings, folder, log: tracked)
    for each in (evaluate_model, fit_model, build_indices):
        each.run(other.settings, other.folder)
    for path in ("model/manifest.json", "indices/retrieval/index.bin", "indices/similarity/index.bin"):
        assert (other.folder.path / path).read_bytes() == (trained_run.folder.path / path).read_bytes()
    assert read_rows(other.folder, "model_metrics") == read_rows(trained_run.folder, "model_metrics")


def test_the_model_has_the_cold_item_weights_that_the_evaluation_chose(
    trained_run: Any, plant: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = plant(tmp_path)
    tracked = TrackedRun("a run", "1", "models:/nightjar/1")
    monkeypatch.setattr("ml.tracking.log_stage", lambda settings, folder, log: tracked)
    monkeypatch.setattr("ml.tracking.register_model", lambda settings, folder, tracked, name: tracked)
    monkeypatch.setattr(
        "ml.evaluation.cold_item_weights.choose", lambda *given: ColdItemWeights(0.0, 0.4, "as planned")
    )
    evaluate_model.run(other.settings, other.folder)
    fit_model.run(other.settings, other.folder)
    models = [model_folder.mapped(run.folder.model) for run in (trained_run, other)]
    assert [{each.name: each.weight for each in model.others}["content"] for model in models] == [0.2, 0.4]
    # i40 has a genre only: here its factors, there with what the others' vectors say.
    mean, summed = (embeddings.load(run.folder.model).item_vectors for run in (trained_run, other))
    assert np.array_equal(summed[:40], mean[:40])
    assert np.abs(summed[40] - mean[40]).max() > 0.01 * np.abs(summed[40]).max()


def test_the_evaluated_model_was_not_trained_on_the_holdout(
    trained_run: Any,
    plant: Callable[..., Any],
    replace_features: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blind = plant(tmp_path)
    train = pq.read_table(blind.folder.features("train_interactions"))
    replace_features(blind.folder, "full_interactions", train.to_pydict())
    monkeypatch.setattr("ml.tracking.log_stage", lambda settings, folder, log: None)
    evaluate_model.run(blind.settings, blind.folder)
    assert read_rows(blind.folder, "model_metrics") == read_rows(trained_run.folder, "model_metrics")


def test_a_gate_that_refuses_is_recorded_and_stops_the_run(trained_run: Any) -> None:
    strict = trained_run.settings.model_copy(update={"gate_popularity_margin": 100.0})
    with refused(GateRefused, "gate_refused", wording=False, verdicts={"popularity": "refused"}):
        gate_model.run(strict, trained_run.folder)
    with trained_run.warehouse.connect(read_only=True) as connection:
        row = connection.execute(
            "select verdict, metric, threshold from recs.gate_decisions where gate = 'popularity'"
        ).fetchone()
    hundredfold = 100 * metric(trained_run, "popularity", "all", "recall")
    assert row == ("refused", "recall@10", pytest.approx(hundredfold))
    gate_model.run(trained_run.settings, trained_run.folder)


def test_an_index_that_cannot_reach_the_floor_is_recorded_and_stops_the_run(
    trained_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = trained_run.settings.model_copy(update={"index_ef_max": 64})
    monkeypatch.setattr("ml.index.hnsw.HnswIndex.query", lambda index, queries, k: np.zeros((len(queries), k), int))
    both = {"retrieval_recall": "refused", "similarity_recall": "refused"}
    with refused(GateRefused, "gate_refused", wording=False, verdicts=both):
        build_indices.run(blind, trained_run.folder)
    with trained_run.warehouse.connect(read_only=True) as connection:
        rows = connection.execute("select verdict from recs.gate_decisions where gate like '%_recall'").fetchall()
    assert rows == [("refused",), ("refused",)]
    monkeypatch.undo()
    build_indices.run(trained_run.settings, trained_run.folder)


def test_one_event_of_one_user_is_enough_for_a_run(
    plant: Callable[..., Any],
    replace_features: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = plant(tmp_path)
    none = {"user_index": np.array([], int), "item_index": np.array([], int)}
    replace_features(run.folder, "user_ids", {"user_index": [0], "user_id": ["u"]})
    item = {"item_index": [0], "item_id": ["i"], "domain": ["default"], "is_available": [True]}
    replace_features(run.folder, "item_ids", item)
    write_pairs(run.folder, [(0, 0)], [], choice_holdout=[(0, 0)])
    replace_features(run.folder, "shown", none | {"recency": np.array([], int)})
    write_popularity(run.folder)
    for side in ("user", "item"):
        replace_features(run.folder, f"{side}_features", {f"{side}_index": [0], "feature_index": [0], "value": [1.0]})
        replace_features(run.folder, f"{side}_feature_names", {"feature_index": [0], "feature": ["id:x"]})
    tracked = TrackedRun("a run", "1", "models:/nightjar/1")
    monkeypatch.setattr("ml.tracking.log_stage", lambda settings, folder, log: tracked)
    for each in (evaluate_model, gate_model, fit_model, build_indices):
        each.run(run.settings, run.folder)
    with run.warehouse.connect(read_only=True) as connection:
        verdicts = dict(connection.execute("select gate, verdict from recs.gate_decisions").fetchall())
    # Nothing to hold out, and no second item to be similar to; the one user finds the one item.
    assert verdicts == {
        "popularity": "skipped",
        "champion": "skipped",
        "champion_record": "skipped",
        "coverage": "skipped",
        "retrieval_recall": "passed",
        "similarity_recall": "skipped",
    }
    # Two models on five slices, and on one each LightFM, three sources of EASE, ALS, content, popular and the
    # half-lives: nobody has two items, so nothing follows.
    recalls = [row["users"] for row in read_rows(run.folder, "model_metrics") if row["metric"] == "recall"]
    assert recalls == [0] * (10 + 1 + 3 + 1 + 1 + 1 + 4)


def test_no_positive_event_is_bad_input(
    plant: Callable[..., Any], replace_features: Callable[..., None], tmp_path: Path
) -> None:
    run = plant(tmp_path)
    nothing = {"user_index": np.array([], int), "item_index": np.array([], int), "weight": np.array([], float)}
    replace_features(run.folder, "full_interactions", nothing | {"newest_rank": np.array([], int)})
    with refused(BadInput, "no_events", wording=False):
        fit_model.run(run.settings, run.folder)
