"""Stage build_indices: both HNSW graphs, their recall measured against exact search, and their gate.

Reads `model/` and `features/item_ids`; writes `indices/retrieval/`, `indices/similarity/`,
`outputs/index_manifest/`, `plots/index_recall.png` and `recs.gate_decisions`; of a model of an earlier version also
`outputs/model_sources/`.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_data import read_availability
from ml.evaluation import plots
from ml.gates.index_gate import judge_index, refuse_if_any
from ml.index.hnsw import COSINE, INNER_PRODUCT, HnswIndex, build
from ml.index.index_recall import IndexQuality, raise_ef, recall_curve, sample
from ml.index.retrieval_space import append_biases, append_ones
from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.consistency import model_digest
from nightjar.contract.artifacts.embeddings import UNKNOWN, Embeddings, Vectors
from nightjar.contract.progress import stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.publishing.output_rows import write_rows
from nightjar.warehouse.engines import open_warehouse


@dataclass(frozen=True)
class IndexPlan:
    """What goes into one index, and the queries that measure its recall.

    Attributes:
        name: retrieval or similarity.
        metric: `COSINE` or `INNER_PRODUCT`.
        item_ids: (items,) text.
        vectors: (items, dim).
        queries: (queries, dim).
        own: (queries,) the position of each query itself, which does not count; None: queries are not indexed.
    """

    name: str
    metric: str
    item_ids: NDArray[np.object_]
    vectors: Vectors
    queries: Vectors
    own: NDArray[np.int64] | None


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        NightjarError: the model is missing or damaged.
        GateRefused: an index stays below the recall floor at the largest `ef`; names it and its recall.
    """
    with stage(folder, "build_indices") as progress:
        progress.unit = "vectors"
        model = embeddings.load(folder.model)
        is_available = read_availability(folder.features_folder, model.item_ids)
        rows, decisions = [], []
        curves: dict[str, tuple[list[IndexQuality], int]] = {}
        for plan in (retrieval_plan(model, is_available, settings), similarity_plan(model, is_available, settings)):
            index = build(plan.vectors, plan.item_ids, plan.metric, settings)
            quality = raise_ef(index, plan.vectors, plan.queries, plan.own, settings)
            rows.append(_save(folder, plan, index, quality, settings))
            decisions.append(judge_index(plan.name, quality.recall, settings))
            curves[plan.name] = recall_curve(index, plan.vectors, plan.queries, plan.own, settings), quality.ef
            progress.rows += len(plan.item_ids)
            progress.say(f"{plan.name}: {len(plan.item_ids):,} items, {decisions[-1].reason}, ef {quality.ef}")
        plots.index_recall(curves, folder.path / "plots" / "index_recall.png")
        write_rows(folder, "index_manifest", rows)
        if not folder.output("model_sources").exists():
            # An earlier version fitted the model and wrote no rows of its sources.
            sources = model_folder.mapped(folder.model).facts()
            write_rows(folder, "model_sources", [asdict(each) | {"fit_seconds": None} for each in sources])
        record_decisions(open_warehouse(settings), folder.record(), decisions)
        refuse_if_any(decisions)


def retrieval_plan(model: Embeddings, is_available: NDArray[np.bool_], settings: Settings) -> IndexPlan:
    """User to item: the inner product of (user vector, 1) with (item vector, bias) is the model's score."""
    items = _indexable(model, is_available)
    users = np.flatnonzero(model.user_sources != UNKNOWN)
    queries = users[sample(len(users), settings.seed)]
    return IndexPlan(
        "retrieval",
        INNER_PRODUCT,
        model.item_ids[items],
        append_biases(model.item_vectors[items], model.item_biases[items]),
        append_ones(model.user_vectors[queries]),
        None,
    )


def similarity_plan(model: Embeddings, is_available: NDArray[np.bool_], settings: Settings) -> IndexPlan:
    """Item to item by cosine; an item whose vector is zero has no cosine and is left out."""
    items = _indexable(model, is_available)
    items = items[np.linalg.norm(model.item_vectors[items], axis=1) > 0]
    vectors = np.ascontiguousarray(model.item_vectors[items])
    queries = sample(len(items), settings.seed)
    return IndexPlan("similarity", COSINE, model.item_ids[items], vectors, vectors[queries], queries)


def _indexable(model: Embeddings, is_available: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.flatnonzero(is_available & (model.item_sources != UNKNOWN)).astype(np.int64)


def _save(
    folder: RunFolder, plan: IndexPlan, index: HnswIndex, quality: IndexQuality, settings: Settings
) -> dict[str, object]:
    target = folder.index(plan.name)
    facts = {
        "index_name": plan.name,
        "m": settings.index_m,
        "ef_construction": settings.index_ef_construction,
        "recall_k": settings.metric_k,
        "recall": quality.recall,
        "latency_p50_ms": quality.latency_p50_ms,
        "latency_p95_ms": quality.latency_p95_ms,
    }
    about = {"queries": quality.queries, "seed": settings.seed, "model_sha256": model_digest(folder.model)}
    digest = index.save(target, facts | about)
    return facts | {
        "uri": str(target.absolute()),
        "sha256": digest,
        "metric": index.metric,
        "dim": index.dim,
        "item_count": len(plan.item_ids),
        "ef": quality.ef,
    }
