"""The loader of registered models on a folder of three films and three users, every list by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.sparse import csr_matrix

from nightjar.contract.artifacts import model_folder, ranking_folder
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.ranking_folder import FEATURES, RankingRules
from nightjar.contract.artifacts.sources import HistoryRule, ItemWeights, Source
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.serving.registered_model import RegisteredModel, _load_pyfunc
from tests.support.refusals import refused

RULES = RankingRules(top_k=2, diversity_weight=0.0, repeat_after_days="")
COLUMNS = ["user_id", "domain", "rank", "item_id", "score", "source", "contributions", "reason_item_id"]
# ann is trained and scores the films 3, 1 and -1; ben is unknown to the model, with a segment; cid has features only.
MODEL = ModelSources(
    Embeddings(
        user_ids=np.array(["ann", "ben", "cid"], object),
        item_ids=np.array(["a", "b", "c"], object),
        user_vectors=np.array([[1], [0], [-1]], np.float32),
        user_biases=np.zeros(3, np.float32),
        item_vectors=np.array([[3], [1], [-1]], np.float32),
        item_biases=np.zeros(3, np.float32),
        user_sources=np.array([2, 0, 1], np.int8),
        item_sources=np.array([2, 2, 2], np.int8),
    )
)
TABLES: dict[str, dict[str, Any]] = {
    "user_ids": {"user_index": [2, 0, 1], "user_id": ["cid", "ann", "ben"]},
    "item_ids": {
        "item_index": [0, 1, 2],
        "item_id": ["a", "b", "c"],
        "domain": ["films"] * 3,
        "is_available": [True] * 3,
    },
    # ann has seen film a last, seven days ago, and film c before, cid film b; only ann's event with film c counts.
    "seen": {"user_index": [2, 0, 0], "item_index": [1, 2, 0], "recency": [1, 2, 1], "days_since": [0, 30, 7]},
    "full_interactions": {"user_index": [0], "item_index": [2], "weight": [1.0]},
    "popularity": {
        "segment": ["all", "job:x", "all", "all"],
        "domain": ["films"] * 4,
        "rank": [2, 1, 1, 3],
        "item_index": [1, 1, 0, 2],
        "score": [5.0, 7.0, 9.0, 1.0],
    },
    "user_segments": {"user_index": [1], "segment": ["job:x"]},
}
# Mean 1 and variance 8/3 of what ann scores the films.
STANDARDISED = 2 / sqrt(8 / 3)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """The folder of a run, its features in two files each, as Spark leaves them."""
    folder = RunFolder(tmp_path / "run")
    model_folder.save(MODEL, folder.model)
    for name, columns in TABLES.items():
        table = pa.table(columns)
        target = folder.features(name)
        target.mkdir(parents=True)
        (target / "_SUCCESS").touch()
        for place, part in enumerate((table.slice(0, 1), table.slice(1))):
            pq.write_table(part, target / f"part-0000{place}-b570752f.snappy.parquet")
            (target / f".part-0000{place}-b570752f.snappy.parquet.crc").write_text("x")
    return folder


@pytest.fixture
def load(run: RunFolder, tmp_path: Path) -> Callable[..., RegisteredModel]:
    """Load the model of the run under some rules."""

    def load(**rules: Any) -> RegisteredModel:
        target = tmp_path / f"model {len(list(tmp_path.iterdir()))}"
        ranking_folder.link(run, target, replace(RULES, **rules))
        return _load_pyfunc(str(target))

    return load


def lists(answer: pd.DataFrame) -> dict[str, list[tuple[str, float, str]]]:
    """The item, score and source of each row by user."""
    by_user: dict[str, list[tuple[str, float, str]]] = {}
    for row in answer.itertuples():
        by_user.setdefault(row.user_id, []).append((row.item_id, pytest.approx(row.score), row.source))
    return by_user


def test_each_user_gets_what_the_run_published_and_an_unknown_one_popular_items(load: Callable[..., Any]) -> None:
    answer = load().predict(pd.DataFrame({"user_id": ["zoe", "cid", "ann", "ben"]}))
    assert list(lists(answer).items()) == [
        ("zoe", [("a", 9.0, "popular"), ("b", 5.0, "popular")]),
        ("cid", [("c", 1.0, "cold_user"), ("a", -3.0, "cold_user")]),
        # Films a and c are seen.
        ("ann", [("b", 0.0, "personal")]),
        ("ben", [("b", 7.0, "segment_popular"), ("a", 9.0, "popular")]),
    ]
    assert answer["rank"].tolist() == [1, 2, 1, 2, 1, 1, 2]
    assert set(answer["domain"]) == {"films"}
    assert answer["contributions"].tolist()[:3] == [None, None, '{"lightfm":1}']
    # Film a, though nearer to b, has no weight.
    assert answer["reason_item_id"].tolist() == [None, None, None, None, "c", None, None]


def test_own_items_are_weighed_by_the_newest_ranks_of_the_run(run: RunFolder, load: Callable[..., Any]) -> None:
    # Both films speak for b and the newest one counts: by their ranks c, though a was seen last.
    both = csr_matrix(np.array([[0, 1, 0], [0, 0, 0], [0, 1, 0]], np.float32))
    source = Source("transitions", 0.5, ItemWeights(both, HistoryRule(1.0, newest=1)))
    model_folder.save(ModelSources(MODEL.embeddings, (source,)), run.model)
    for part in run.features("full_interactions").glob("*.parquet"):
        part.unlink()
    rows = {"user_index": [0, 0], "item_index": [0, 2], "weight": [1.0, 1.0], "newest_rank": [2, 1]}
    pq.write_table(pa.table(rows), run.features("full_interactions") / "part-00000.parquet")
    assert load().predict(["ann"])["reason_item_id"].tolist() == ["c"]


def test_the_columns_are_those_of_the_published_table(load: Callable[..., Any]) -> None:
    answer = load().predict(["ann"])
    assert answer.columns.tolist() == COLUMNS
    assert (answer["rank"].dtype, answer["score"].dtype) == (np.int32, np.float32)


def test_the_rules_of_the_run_say_how_many_and_what_may_be_repeated(load: Callable[..., Any]) -> None:
    one = load(top_k=1).predict(["cid", "zoe"])
    assert lists(one) == {"cid": [("c", 1.0, "cold_user")], "zoe": [("a", 9.0, "popular")]}
    # Film c was seen 30 days ago, film a 7.
    repeated = load(repeat_after_days="8").predict(["ann"])
    assert lists(repeated) == {"ann": [("b", 0.0, "personal"), ("c", -STANDARDISED, "personal")]}
    assert lists(load(repeat_after_days="7").predict(["ann"]))["ann"][0] == ("a", STANDARDISED, "personal")


def test_a_user_who_is_requested_twice_is_answered_once(load: Callable[..., Any]) -> None:
    model = load()
    assert model.predict(["cid", "zoe", "cid", "zoe"]).equals(model.predict(["cid", "zoe"]))


def test_a_users_rows_do_not_depend_on_who_else_is_requested(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, ids = load(), ["zoe", "ben", "cid", "ann"]
    together = model.predict(ids)
    monkeypatch.setattr("nightjar.serving.registered_model._USERS_AT_ONCE", 3)
    assert model.predict(ids).equals(together)
    assert pd.concat([model.predict([each]) for each in ids], ignore_index=True).equals(together)


@pytest.mark.parametrize(
    "ids",
    [
        ["ann", "zoe"],
        ("ann", "zoe"),
        np.array(["ann", "zoe"]),
        np.array(["ann", "zoe"], object),
        pd.Series(["ann", "zoe"], index=[7, 8]),
        pd.DataFrame({"x": [1, 2], "user_id": ["ann", "zoe"]}, index=[7, 7]),
        pd.DataFrame({"user_id": pd.Series(["ann", "zoe"], dtype="string")}),
    ],
)
def test_ids_come_in_any_sequence_of_texts(load: Callable[..., Any], ids: Any) -> None:
    assert list(lists(load().predict(ids))) == ["ann", "zoe"]


def test_a_text_alone_is_one_id(load: Callable[..., Any]) -> None:
    assert list(lists(load().predict("ann"))) == ["ann"]


@pytest.mark.parametrize("nobody", [[], np.array([], object), pd.DataFrame({"user_id": []})])
def test_no_ids_give_no_rows_with_the_same_columns(load: Callable[..., Any], nobody: Any) -> None:
    answer = load().predict(nobody)
    assert (len(answer), answer.columns.tolist()) == (0, COLUMNS)


@pytest.mark.parametrize(
    ("ids", "row", "value"),
    [
        (["ann", 7], 1, 7),
        ([None], 0, None),
        (np.array([1, 2]), 0, 1),
        ([["ann"]], 0, ["ann"]),
        (np.array([["ann"]]), 0, ["ann"]),
        (pd.DataFrame({"user_id": ["ann", None]}), 1, None),
        (pd.Series(["ann", float("nan")]), 1, float("nan")),
        (b"ann", 0, b"ann"),
        (7, 0, 7),
        (None, 0, None),
        ({"user_id": ["ann"]}, 0, {"user_id": ["ann"]}),
    ],
)
def test_an_id_that_is_no_text_is_refused_with_its_row(
    load: Callable[..., Any], ids: Any, row: int, value: object
) -> None:
    with refused(BadInput, "not_a_user_id", wording=False, row=row, value=value):
        load().predict(ids)


def test_a_frame_without_the_column_is_refused(load: Callable[..., Any]) -> None:
    with refused(BadInput, "missing_columns", columns=["user_id"], value=["user"]):
        load().predict(pd.DataFrame({"user": ["ann"]}))


def test_a_changed_array_is_refused(run: RunFolder, tmp_path: Path) -> None:
    ranking_folder.link(run, tmp_path / "model", RULES)
    changed = tmp_path / "model" / "model" / "item_vectors.npy"
    changed.unlink()
    np.save(changed, np.zeros((3, 1), np.float32))
    with refused(NightjarError, "digest_differs", wording=False, file=changed):
        _load_pyfunc(str(tmp_path / "model"))


def test_the_folder_has_the_arrays_the_features_and_the_rules_and_nothing_else(run: RunFolder, tmp_path: Path) -> None:
    before = sorted(path for path in run.path.rglob("*"))
    ranking_folder.link(run, tmp_path / "model", RULES)
    files = {str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*") if path.is_file()}
    arrays = {f"model/{path.name}" for path in run.model.iterdir()}
    # The numbers of the files of Spark stay; the names that each run gives them do not.
    parts = {f"features/{name}/part-0000{place}.parquet" for name in FEATURES for place in (0, 1)}
    assert files == arrays | parts | {"ranking.json"}
    assert json.loads((tmp_path / "model" / "ranking.json").read_text()) == {
        "top_k": 2,
        "diversity_weight": 0.0,
        "repeat_after_days": "",
    }
    assert sorted(path for path in run.path.rglob("*")) == before


def test_features_that_are_not_there_are_named(run: RunFolder, tmp_path: Path) -> None:
    for part in run.features("seen").glob("*.parquet"):
        part.unlink()
    with refused(NightjarError, "missing_features", path=run.features("seen")):
        ranking_folder.link(run, tmp_path / "model", RULES)
