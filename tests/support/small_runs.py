"""Runs of a few rows, from begin to publication, by the product's own code, in processes that can be killed.

The run of March 11 recommends item i11 to eleven users: a mix of two publications would show in the numbers.
"""

import multiprocessing
import os
from datetime import date, timedelta
from threading import Barrier

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.index import hnsw
from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.consistency import check_artifacts, model_digest
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.failpoints import VARIABLE
from nightjar.contract.gates import REQUIRED_GATES, GateDecision
from nightjar.contract.interval import of_date
from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings, load_settings
from nightjar.contract.tables import STAGED, table
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.content_hash import content_hash
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.publishing.ledger import Published
from nightjar.publishing.output_rows import arrow_schema, write_rows
from nightjar.publishing.publish import publish
from nightjar.publishing.retention import removal
from nightjar.publishing.rollback import roll_back
from nightjar.publishing.run_request import RunRequest
from nightjar.stages import load_staging
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import insert_row
from tests.support.guards import remove_the_guard_of_the_environment

ITEMS = 20
# Every process begins as a copy of one that has imported all this, which takes seconds, and nothing else.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.small_runs"])
os.environ["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])


def insert_events(settings: Settings, days: int = 31) -> None:
    """Make an empty warehouse with one event a day from March 1 on."""
    warehouse = open_warehouse(settings)
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        for day in range(days):
            at = of_date("2026-03-01").start + timedelta(days=day, hours=12)
            event = {"event_id": f"e{day}", "user_id": "u1", "item_id": "i1", "event_type": "view"}
            insert_row(connection, "raw.interactions", event | {"occurred_at": at, "ingested_at": at})


def model_of(day: int, items: int = ITEMS) -> Embeddings:
    """Return the model of a run: random vectors that depend on the day."""
    random = np.random.default_rng(day)
    return Embeddings(
        user_ids=np.array([f"u{n}" for n in range(day)], object),
        item_ids=np.array([f"i{n}" for n in range(items)], object),
        user_vectors=random.normal(size=(day, 8)).astype(np.float32),
        user_biases=np.zeros(day, np.float32),
        item_vectors=random.normal(size=(items, 8)).astype(np.float32),
        item_biases=np.zeros(items, np.float32),
        user_sources=np.full(day, 2, np.int8),
        item_sources=np.full(items, 2, np.int8),
    )


def write_outputs(settings: Settings, folder: RunFolder, day: int) -> None:
    """Write model, index and the rows of every output table, as the stages from fit_model on do."""
    model = model_of(day)
    model_folder.save(ModelSources(model), folder.model)
    index = hnsw.build(model.item_vectors, model.item_ids, hnsw.COSINE, settings)
    digest = index.save(folder.index("retrieval"), {"model_sha256": model_digest(folder.model)})
    manifest = {
        **{column.name: 1 for column in table("recs.index_manifest").columns if column.type != "text"},
        **{column.name: "x" for column in table("recs.index_manifest").columns if column.type == "text"},
        "index_name": "retrieval",
        "uri": str(folder.index("retrieval").absolute()),
        "sha256": digest,
    }
    lists = [
        {"user_id": user, "domain": "films", "rank": 1, "item_id": f"i{day}", "score": 0.5, "source": "personal"}
        for user in model.user_ids
    ]
    for each in STAGED:
        rows = {"recommendations": lists, "index_manifest": [manifest]}.get(each.name, [])
        names = arrow_schema(each.name).names
        write_rows(folder, each.name, [{k: v for k, v in row.items() if k in names} for row in rows])
    _write_snapshot(folder, model)


def _write_snapshot(folder: RunFolder, model: Embeddings) -> None:
    """Write the run's snapshot: its users and items, and one event."""
    users, items = list(model.user_ids), list(model.item_ids)
    at = pa.array([of_date("2026-03-01").start], pa.timestamp("us", "UTC"))
    folder.snapshot("users").parent.mkdir(exist_ok=True)
    for name, columns in (
        ("users", {"user_id": users}),
        ("items", {"item_id": items, "domain": ["films"] * len(items), "is_available": [True] * len(items)}),
        ("interactions", {"user_id": users[:1], "item_id": items[:1], "occurred_at": at}),
    ):
        pq.write_table(pa.table(columns), folder.snapshot(name))


def stage(settings: Settings, day: int, publish_mode: str = "auto") -> RunRecord:
    """Run the next attempt at a day of March, from begin until it can be published."""
    warehouse = open_warehouse(settings)
    run = begin_attempt(
        settings, warehouse, RunRequest(of_date(str(date(2026, 3, 1) + timedelta(day - 1))), "run", publish_mode)
    )
    folder = RunFolder.of(settings.lake, run.publication_id)
    write_outputs(settings, folder, day)
    record_decisions(warehouse, run, [GateDecision(gate, "passed", "test") for gate in REQUIRED_GATES])
    load_staging.run(settings, folder)
    check_artifacts(folder)
    return run


def publish_staged(settings: Settings, run: RunRecord) -> Published:
    """Publish what `stage` staged."""
    folder, day = RunFolder.of(settings.lake, run.publication_id), run.data_date.day
    warehouse = open_warehouse(settings)
    return publish(warehouse, run, model_uri=f"models:/m/{day}", mlflow_run_id="m", content_hash=content_hash(folder))


def publish_run(settings: Settings, day: int, publish_mode: str = "auto") -> Published:
    """Run the next attempt at a day of March, from begin to publication."""
    return publish_staged(settings, stage(settings, day, publish_mode))


def publish_all(settings: Settings, runs: list[RunRecord], start: Barrier) -> None:
    """Publish one attempt after the other once the other process is ready."""
    start.wait(120)
    for run in runs:
        publish_staged(settings, run)


def roll_back_by_turns(settings: Settings, publications: list[str], start: Barrier) -> None:
    """Roll back to each publication in turn, whatever is published meanwhile."""
    start.wait(120)
    for turn in range(3):
        for publication_id in publications:
            roll_back(open_warehouse(settings), publication_id, actor="ann", reason=f"turn {turn}")


def apply_retention(settings: Settings, as_of: date) -> None:
    """Apply a retention of one week."""
    weekly = settings.model_copy(update={"retention_run_folder_days": 7})
    removal.remove_files(weekly, removal.remove_rows(open_warehouse(weekly), weekly, as_of))


def rows_of(settings: Settings, query: str) -> list[tuple]:
    """Return the rows of a query, as a reader."""
    with open_warehouse(settings).connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def parquet_of(folder: RunFolder, name: str) -> list[dict]:
    """Return the rows of one output from its file."""
    return pq.read_table(folder.output(name)).to_pylist()


def run(arguments: tuple[str, str], variables: dict[str, str], killed_at: str) -> None:
    """Do in this process: run DAY, roll_back PUBLICATION, snapshot -, retention DATE; die at a failpoint."""
    os.environ.update(variables | ({VARIABLE: killed_at} if killed_at else {}))
    mode, what = arguments
    if mode == "publish_run":
        publish_run(load_settings(), int(what))
    elif mode == "snapshot":
        open_warehouse(load_settings()).write_readers_snapshot()
    elif mode == "roll_back":
        roll_back(open_warehouse(load_settings()), what, actor="test", reason="test")
    else:
        apply_retention(load_settings(), date.fromisoformat(what))


# The processes of FORKS have no conftest.
remove_the_guard_of_the_environment()
