"""Measures the recall of an index against exact search, and raises its `ef` until it reaches the target.

Pure but for the clock; used by the stage build_indices, whose gate reads the recall.
"""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.index.exact_search import ExactSearch
from ml.index.hnsw import COSINE, HnswIndex
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.settings import Settings

MAX_QUERIES = 1_000
# A curve is only plotted.
CURVE_QUERIES = 200
_NEARLY_ALL = 0.999
# Equal vectors (items with the same features only) have no order: any of them is correct. Relative to the score.
_TIE = 1e-6


@dataclass(frozen=True)
class IndexQuality:
    """Recall and latency at one `ef`.

    Attributes:
        recall: mean fraction of the exact k best that the index retrieved, 0 to 1; None without queries.
        latency_p50_ms: median wall time of one query; None without queries.
        latency_p95_ms: 95th percentile of it; None without queries.
        queries: their number.
        ef: length of the candidate list.
    """

    recall: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    queries: int
    ef: int


def sample(count: int, seed: int) -> NDArray[np.int64]:
    """Choose up to `MAX_QUERIES` of `count` rows, the same ones every time, ascending."""
    chosen = np.random.default_rng(seed).permutation(count)[:MAX_QUERIES]
    return np.sort(chosen).astype(np.int64)


def raise_ef(
    index: HnswIndex, vectors: Vectors, queries: Vectors, own: NDArray[np.int64] | None, settings: Settings
) -> IndexQuality:
    """Measure the index, doubling its `ef` until recall@k reaches the target or `ef` its bound.

    Args:
        index: left with the returned `ef`.
        vectors: (items, dim) what the index holds, by position.
        queries: (queries, dim).
        own: (queries,) the position of each query itself, which does not count; None: queries are not indexed.
        settings: k, target, first and largest `ef`.
    """
    search = _exact_search(index, queries, vectors)
    exact = search.best(settings.metric_k, own)
    ef = min(settings.index_ef, settings.index_ef_max)
    while True:
        index.set_ef(ef)
        quality = _measure(index, search, queries, exact, own)
        if quality.recall is None or quality.recall >= settings.index_recall_target or ef >= settings.index_ef_max:
            return quality
        ef = min(2 * ef, settings.index_ef_max)


def recall_curve(
    index: HnswIndex, vectors: Vectors, queries: Vectors, own: NDArray[np.int64] | None, settings: Settings
) -> list[IndexQuality]:
    """Measure the index at doubling `ef` on up to `CURVE_QUERIES` queries, until recall nears 1 or `ef` its bound.

    Arguments are those of `raise_ef`; the index keeps its `ef`.
    """
    used, sampled = index.ef, queries[:CURVE_QUERIES]
    itself = None if own is None else own[:CURVE_QUERIES]
    search = _exact_search(index, sampled, vectors)
    exact = search.best(settings.metric_k, itself)
    curve: list[IndexQuality] = []
    ef = min(settings.metric_k + 1, settings.index_ef_max)
    while True:
        # The one in use is among the points, so that the plot shows its latency.
        for each in sorted({ef, used} if ef <= used < 2 * ef else {ef}):
            index.set_ef(each)
            curve.append(_measure(index, search, sampled, exact, itself))
        recall = curve[-1].recall
        if recall is None or (recall >= _NEARLY_ALL and ef >= used) or 2 * ef > settings.index_ef_max:
            index.set_ef(used)
            return curve
        ef *= 2


def _measure(
    index: HnswIndex, search: ExactSearch, queries: Vectors, exact: NDArray[np.int64], own: NDArray[np.int64] | None
) -> IndexQuality:
    k = exact.shape[1]
    fetched = k if own is None else k + 1
    results, milliseconds = [], []
    for query in queries:
        started = time.perf_counter()
        results.append(index.query(query[None, :], fetched)[0])
        milliseconds.append(1000 * (time.perf_counter() - started))
    if not results or (exact < 0).all():
        return IndexQuality(None, None, None, 0, index.ef)
    retrieved = without_own(np.array(results), own, k)
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return IndexQuality(_recall(search, retrieved, exact), float(p50), float(p95), len(queries), index.ef)


def without_own(retrieved: NDArray[np.int64], own: NDArray[np.int64] | None, k: int) -> NDArray[np.int64]:
    """Drop each query's own position from its (queries, k + 1) results and keep the first k."""
    if own is None:
        return retrieved
    last = np.argsort(retrieved == own[:, None], axis=1, kind="stable")
    return np.take_along_axis(retrieved, last, axis=1)[:, :k]


def _recall(search: ExactSearch, retrieved: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    worst = np.where(exact >= 0, search.scores(exact), np.inf).min(axis=1)
    slack = _TIE * np.maximum(np.abs(worst), 1)
    is_correct = (retrieved >= 0) & (search.scores(retrieved) >= (worst - slack)[:, None])
    return float((is_correct.sum(axis=1) / np.maximum((exact >= 0).sum(axis=1), 1)).mean())


def _exact_search(index: HnswIndex, queries: Vectors, vectors: Vectors) -> ExactSearch:
    if index.metric == COSINE:
        return ExactSearch(_unit(queries), _unit(vectors))
    return ExactSearch(np.ascontiguousarray(queries), np.ascontiguousarray(vectors))


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
