"""A publication of an earlier version, which knew no sources: scored again, and rolled back to."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.embeddings import sha256
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import HistoryRule, ItemWeights, Source
from nightjar.contract.artifacts.user_features import read_user_features
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.serving.recommend import RecommendationReader
from nightjar.stages import roll_back
from nightjar.warehouse.engines import open_warehouse
from tests.end_to_end.test_small_catalogues import AS_OF, DATE, FAST, imported, rows
from tests.support.stage_chain import run_stages

ROWS = "select user_id, domain, rank, item_id, score, source, reason_item_id from recs.recommendations "


def write_two_sources(folder: RunFolder) -> None:
    """Give a run folder the model that an earlier version would have fitted: embeddings and co-occurrence."""
    model = embeddings.load(folder.model)
    [ease] = [each for each in model_folder.mapped(folder.model).others if each.name == "ease"]
    fitted = ease.fitted
    assert isinstance(fitted, ItemWeights)
    # What is mapped goes with its files.
    weights = fitted.weights.copy()
    source = Source("ease", 0.25, ItemWeights(weights, HistoryRule(fitted.history.exponent)))
    model_folder.save(ModelSources(model, (source,)), folder.model, read_user_features(folder.model))


def write_as_earlier(folder: RunFolder) -> None:
    """Give a run folder the model of an earlier version, and take what earlier versions did not write."""
    model = model_folder.mapped(folder.model)
    sources = {each.name: each for each in model.others}
    ease = sources["ease"].fitted
    assert isinstance(ease, ItemWeights)
    old = folder.path / "earlier"
    old.mkdir()
    embeddings.write(model.embeddings, old)
    for path in folder.model.glob("user_feature*"):
        shutil.copy(path, old)
    rule = np.array([sources["ease"].weight, ease.history.exponent, 0.2])
    parts = {"weights": ease.weights.data, "items": ease.weights.indices, "starts": ease.weights.indptr, "rule": rule}
    for name, array in parts.items():
        np.save(old / f"cooccurrence_{name}.npy", array, allow_pickle=False)
    digests = {path.name: sha256(path) for path in sorted(old.iterdir())}
    (old / "manifest.json").write_text(json.dumps({"sha256": digests}), encoding="utf-8")
    shutil.rmtree(folder.model)
    old.rename(folder.model)
    shutil.rmtree(folder.output("model_sources"))
    choice = (f"choice_{name}" for name in ("train_interactions", "holdout", "train_seen", "train_popularity"))
    for name in ("train_popularity", "trending", "train_seen", *choice):
        shutil.rmtree(folder.features(name))
    for name in ("full_interactions", "train_interactions"):
        pairs = ds.dataset(folder.features(name)).to_table().drop_columns("newest_rank")
        shutil.rmtree(folder.features(name))
        folder.features(name).mkdir()
        pq.write_table(pairs, folder.features(name) / "part-0.parquet")


@pytest.mark.parametrize("engine", ["duckdb"])
def test_a_publication_of_an_earlier_version_is_scored_again_and_rolled_back_to(
    settings: Settings, tmp_path: Path
) -> None:
    settings = settings.model_copy(update=FAST)
    draw = np.random.default_rng(2)
    likes = {
        (f"u{u:02d}", f"i{i:02d}") for u, i in zip(draw.integers(0, 40, 600), draw.integers(0, 30, 600), strict=True)
    }
    events = [(user, item, float(n % 80) + 0.5) for n, (user, item) in enumerate(sorted(likes))]
    imported(settings, tmp_path, events, {f"i{n:02d}": ("films", "books")[n % 2] for n in range(30)})
    write_two_sources(run_stages(settings, DATE))
    earlier = run_stages(settings, DATE, ("serving", "publication"))
    write_as_earlier(earlier)
    with open_warehouse(settings).transaction() as connection:
        for schema in ("recs", "recs_staging"):
            connection.execute(f"alter table {schema}.recommendations drop column contributions")
            connection.execute(f"drop table {schema}.model_sources")
        connection.execute("delete from recs.publication_rows where table_name = 'model_sources'")
    before = sorted(rows(settings, f"{ROWS} where publication_id = '{DATE}.2'"))
    assert len(before) > 300

    again = run_stages(settings, DATE, ("serving", "publication"))
    assert again.publication_id == f"{DATE}.3"
    scored = sorted(rows(settings, f"{ROWS} where publication_id = '{DATE}.3'"))
    assert [(*row[:4], *row[5:]) for row in scored] == [(*row[:4], *row[5:]) for row in before]
    assert [row[4] for row in scored] == pytest.approx([row[4] for row in before], abs=1e-5)
    assert sources_of(settings) == [
        (f"{DATE}.3", "cooccurrence", "item_weights", 0.25, 0.25, 0, None),
        (f"{DATE}.3", "cooccurrence_cold", "item_weights", 0.2, 0.2, 0, None),
        (f"{DATE}.3", "lightfm", "vectors", 0.75, 0.75, 1, None),
    ]
    explained = dict(rows(settings, "select publication_id, count(contributions) from recs.recommendations group by 1"))
    assert explained[f"{DATE}.2"] == 0
    assert explained[f"{DATE}.3"] > 300

    roll_back.run(settings, f"{DATE}.2", actor="ann", reason="as it was")
    found = RecommendationReader(settings).recommendations_for("u01")
    assert found.publication_id == f"{DATE}.2"
    published = [row for row in before if row[0] == "u01"]
    assert [(each.domain, each.rank, each.item_id) for each in found.items] == [row[1:4] for row in published]
    assert AS_OF.date() > found.data_date


def sources_of(settings: Settings) -> list[tuple[Any, ...]]:
    columns = "publication_id, source, kind, weight, weight_new_to_domain, weight_cold_user, fit_seconds"
    return rows(settings, f"select {columns} from recs.model_sources order by 2")
