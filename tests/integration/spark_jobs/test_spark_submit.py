"""Both jobs as Airflow launches them: real spark-submit processes on one tiny run folder."""

import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import table
from tests.support.refusals import refused_command
from tests.support.spark_submit import submit

LONG, SQL, UNICODE = "x" * 3000, "'; drop table users; --", "ünïcode 😀"
TYPES = {"text": pa.string(), "integer": pa.int32(), "real": pa.float32()}


def write_snapshot(folder: RunFolder) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    events = [("ann", "a"), ("ann", "b"), ("ann", SQL), (LONG, "a"), (UNICODE, "b")]
    times = pa.array([day.replace(day=n + 1) for n in range(len(events))], pa.timestamp("us", tz="UTC"))
    items = [("a", "films"), ("b", "films"), ("lonely", "films"), (SQL, "books"), ("gone", "books")]
    users = ["ann", LONG, UNICODE, "nobody", "new"]
    tables = {
        "interactions": {
            "event_id": [f"e{n}" for n in range(len(events))],
            "user_id": [user for user, _ in events],
            "item_id": [item for _, item in events],
            "event_type": ["view"] * len(events),
            "value": pa.array([None] * len(events), pa.float64()),
            "event_weight": [1.0] * len(events),
            "half_life_days": pa.array([None] * len(events), pa.float64()),
            "occurred_at": times,
        },
        "items": {
            "item_id": [item for item, _ in items],
            "domain": [domain for _, domain in items],
            "title": pa.array([None] * len(items), pa.string()),
            "is_available": [item != "gone" for item, _ in items],
        },
        "users": {"user_id": users, "created_at": pa.array([None] * len(users), pa.timestamp("us", tz="UTC"))},
        "user_features": {"user_id": ["ann", "new"], "feature": ["job:x", "job:x"], "weight": [1.0, 1.0]},
        "item_features": {name: pa.array([], kind) for name, kind in zip(
            ("item_id", "feature", "weight"), (pa.string(), pa.string(), pa.float64()), strict=True
        )},
    }  # fmt: skip
    for name, columns in tables.items():
        folder.snapshot(name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder.snapshot(name))


def write_model(folder: RunFolder) -> None:
    users = pq.read_table(folder.features("user_ids")).sort_by("user_index").to_pydict()
    items = pq.read_table(folder.features("item_ids")).sort_by("item_index").to_pydict()
    # In the order of the ids: SQL, a, b, gone, lonely; the last has neither events nor features.
    vectors = np.array([[0, 1], [1, 0], [1, 1], [3, 3], [0, 0]], np.float32)
    # ann, new, nobody, LONG, UNICODE.
    known = np.array([2, 1, 0, 2, 2], np.int8)
    trained = Embeddings(
        user_ids=np.array(users["user_id"], object),
        item_ids=np.array(items["item_id"], object),
        user_vectors=np.array([[1, 2], [2, 1], [0, 0], [0, 1], [1, 0]], np.float32),
        user_biases=np.zeros(5, np.float32),
        item_vectors=vectors,
        item_biases=np.zeros(5, np.float32),
        user_sources=known,
        item_sources=np.array([2, 2, 2, 2, 0], np.int8),
    )
    model_folder.save(ModelSources(trained), folder.model)


def test_both_jobs_make_outputs_of_a_snapshot(tmp_path) -> None:
    folder = RunFolder(tmp_path / "run")
    write_snapshot(folder)
    built = submit("build_features", folder)
    assert built.returncode == 0, built.stderr
    assert re.search(r"\[nightjar\] build_features: 5 \w+ in ", built.stdout)
    write_model(folder)
    scored = submit("score_users", folder)
    assert scored.returncode == 0, scored.stderr
    assert re.search(r"\[nightjar\] score_users: 15 \w+ in ", scored.stdout)
    for name in ("recommendations", "similar_items", "popular_items"):
        columns = [
            (column.name, TYPES[column.type])
            for column in table(f"recs.{name}").columns
            if column.name not in ("publication_id", "data_date")
        ]
        written = pq.read_table(folder.output(name)).schema
        assert [(field.name, field.type) for field in written] == columns

    lists = {}
    rows = pq.read_table(folder.output("recommendations")).to_pylist()
    for row in sorted(rows, key=lambda row: row["rank"]):
        lists.setdefault((row["user_id"], row["domain"]), []).append((row["item_id"], row["source"]))
    assert lists == {
        ("ann", "films"): [("lonely", "popular")],
        ("new", "films"): [("b", "cold_user"), ("a", "cold_user"), ("lonely", "popular")],
        ("new", "books"): [(SQL, "cold_user")],
        # Each of a and b has a weight of 2: ties go by id.
        ("nobody", "films"): [("a", "popular"), ("b", "popular"), ("lonely", "popular")],
        ("nobody", "books"): [(SQL, "popular")],
        (LONG, "films"): [("b", "personal"), ("lonely", "popular")],
        (LONG, "books"): [(SQL, "personal")],
        (UNICODE, "films"): [("a", "personal"), ("lonely", "popular")],
        (UNICODE, "books"): [(SQL, "personal")],
    }
    reasons = {(row["user_id"], row["item_id"]): row["reason_item_id"] for row in rows}
    assert reasons[LONG, "b"] == "a"
    assert reasons["new", "b"] is None
    parts = {(row["user_id"], row["item_id"]): row["contributions"] for row in rows}
    # Vectors (2, 1) and (1, 1).
    assert parts["new", "b"] == '{"lightfm":3}'
    # 1, 0, 1, 3 of SQL, a, b and gone: mean 1.25, variance 4.75 / 4.
    assert parts[LONG, SQL] == '{"lightfm":-0.2294}'
    assert parts["nobody", "a"] is None
    popular = pq.read_table(folder.output("popular_items")).to_pylist()
    assert [(row["rank"], row["item_id"], row["score"]) for row in popular if row["segment"] == "job:x"] == [
        (1, SQL, 1.0),
        (1, "a", 1.0),
        (2, "b", 1.0),
    ]
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "features",
        "model",
        "outputs",
        "progress.jsonl",
        "snapshot",
    ]


def test_bad_input_is_one_line_and_exit_code_2(tmp_path) -> None:
    failed = submit("build_features", RunFolder(tmp_path / "run"))
    # spark-submit sends both streams of the job to its standard output.
    assert len(failed.stdout.splitlines()) == 1
    refused_command(failed, 2, "missing_input", "snapshot/interactions.parquet")
