"""The HNSW index of retrieval, built and queried as in a run, beside bare hnswlib with the same M and ef."""

from pathlib import Path

import hnswlib
import numpy as np

from benchmarks.performance.timing import seconds_each
from ml.data.training_data import read_availability
from ml.index.hnsw import INNER_PRODUCT, HnswIndex, build
from ml.index.index_recall import raise_ef
from ml.stages.build_indices import IndexPlan, retrieval_plan
from nightjar.contract.artifacts import embeddings
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def model_index(run_folder: Path, settings: Settings, repeats: int) -> dict[str, float]:
    """Measure the index of a run's model."""
    folder = RunFolder(run_folder)
    model = embeddings.load(folder.model)
    plan = retrieval_plan(model, read_availability(folder.features_folder, model.item_ids), settings)
    return _measured(plan, settings, repeats)


def generated_index(items: int, settings: Settings) -> dict[str, float]:
    """Measure an index of so many vectors around 1,000 centres, without a run."""
    random = np.random.default_rng(settings.seed)
    centres = random.normal(size=(1_000, settings.embedding_dim)).astype(np.float32)

    def around(count: int) -> Vectors:
        noise = random.normal(size=(count, settings.embedding_dim)).astype(np.float32)
        return centres[random.integers(0, len(centres), count)] + noise

    ids = np.arange(items).astype(str).astype(object)
    return _measured(IndexPlan("retrieval", INNER_PRODUCT, ids, around(items), around(1_000), None), settings, 1)


def _measured(plan: IndexPlan, settings: Settings, repeats: int) -> dict[str, float]:
    built: list[HnswIndex] = []
    bare_built: list[hnswlib.Index] = []
    seconds = seconds_each(
        {
            "build": lambda: built.append(build(plan.vectors, plan.item_ids, plan.metric, settings)),
            "bare build": lambda: bare_built.append(_bare(plan, settings)),
        },
        repeats,
    )
    index, bare = built[-1], bare_built[-1]
    quality = raise_ef(index, plan.vectors, plan.queries, plan.own, settings)
    bare.set_ef(index.ef)
    query_seconds = seconds_each(
        {
            "query": lambda: index.query(plan.queries, settings.metric_k),
            "bare query": lambda: bare.knn_query(plan.queries, settings.metric_k, num_threads=1),
        },
        5 * repeats,
    )
    return {
        "items": float(len(plan.vectors)),
        **seconds,
        **{f"{name} per second": len(plan.queries) / each for name, each in query_seconds.items()},
        "recall": quality.recall or 0.0,
        "ef": float(quality.ef),
        # As hnswlib stores it: a vector, twice M links on the lowest level, and an id, of each item.
        "megabytes": len(plan.vectors) * (4 * plan.vectors.shape[1] + 4 * (2 * settings.index_m + 1) + 8) / 1e6,
    }


def _bare(plan: IndexPlan, settings: Settings) -> hnswlib.Index:
    graph = hnswlib.Index(plan.metric, plan.vectors.shape[1])
    graph.init_index(len(plan.vectors), settings.index_m, settings.index_ef_construction)
    graph.add_items(plan.vectors, num_threads=1)
    return graph
