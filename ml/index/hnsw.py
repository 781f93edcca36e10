"""HNSW indices over item vectors, each saved in one folder with the ids of its items and a manifest.

The only module that imports hnswlib. Written by the stage build_indices to `indices/<name>/`: `index.bin`,
`item_ids.parquet` (row p is the item at position p of the graph), `manifest.json` (digests and parameters).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import hnswlib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.index.exact_search import ExactSearch
from nightjar.contract.artifacts.embeddings import Vectors, check_manifest, sha256
from nightjar.contract.atomic_files import written_aside
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings

# hnswlib's names of its spaces.
COSINE, INNER_PRODUCT = "cosine", "ip"
GRAPH_FILE, IDS_FILE, MANIFEST_FILE = "index.bin", "item_ids.parquet", "manifest.json"


class HnswIndex:
    """Items by position, searchable by cosine or by inner product.

    Attributes:
        item_ids: (items,) text; position p of the graph is `item_ids[p]`.
        ef: length of the candidate list; larger has a higher recall and is slower.
        metric: `COSINE` or `INNER_PRODUCT`.
    """

    def __init__(self, graph: hnswlib.Index, item_ids: NDArray[np.object_], ef: int) -> None:
        self._graph = graph
        self.metric = str(graph.space)
        self.item_ids = item_ids
        self.set_ef(ef)

    def set_ef(self, ef: int) -> None:
        """Set the length of the candidate list."""
        self.ef = ef
        self._graph.set_ef(ef)

    @property
    def dim(self) -> int:
        """Dimension of the indexed vectors."""
        return int(self._graph.dim)

    def query(self, queries: Vectors, k: int) -> NDArray[np.int64]:
        """Return the items nearest to each query: (queries, k) positions, nearest first; -1 where items run out.

        Args:
            queries: (queries, dim).
            k: neighbours of each query; may exceed the number of items.

        Raises:
            NightjarError: the queries are of another dimension.
        """
        if queries.shape[1] != self.dim:
            raise NightjarError(
                f"the index holds vectors of dimension {self.dim}, the query has {queries.shape[1]}",
                code="dimension_mismatch",
                value=queries.shape[1],
                expected=self.dim,
            )
        reachable = min(k, len(self.item_ids))
        positions = np.full((len(queries), k), -1, dtype=np.int64)
        if reachable == 0:
            return positions
        try:
            retrieved, _ = self._graph.knn_query(queries, reachable, num_threads=1)
        except RuntimeError:
            # hnswlib fails when its search reaches fewer than k items, as in a small or clustered graph.
            retrieved = self._exact(queries, reachable)
        positions[:, :reachable] = retrieved
        return positions

    def save(self, folder: Path, facts: Mapping[str, object]) -> str:
        """Write the index to a folder that appears whole or not at all; return the digest of the graph's file.

        Args:
            folder: replaced if it exists.
            facts: further entries of the manifest, e.g. the measured recall.
        """
        with written_aside(folder) as aside:
            self._graph.save_index(str(aside / GRAPH_FILE))
            pq.write_table(pa.table({"item_id": pa.array(self.item_ids, pa.string())}), aside / IDS_FILE)
            digests = {name: sha256(aside / name) for name in (GRAPH_FILE, IDS_FILE)}
            parameters = {"metric": self.metric, "dim": self.dim, "item_count": len(self.item_ids), "ef": self.ef}
            manifest = json.dumps({"sha256": digests, **parameters, **facts}, indent=2)
            (aside / MANIFEST_FILE).write_text(manifest, encoding="utf-8")
            for path in aside.iterdir():
                _flush(path)
        return digests[GRAPH_FILE]

    def _exact(self, queries: Vectors, k: int) -> NDArray[np.int64]:
        # A graph by cosine keeps normalised vectors: their inner product orders as the cosine does.
        vectors = np.asarray(self._graph.get_items(np.arange(len(self.item_ids))), dtype=np.float32)
        return ExactSearch(np.ascontiguousarray(queries), vectors).best(k)


def build(vectors: Vectors, item_ids: NDArray[np.object_], metric: str, settings: Settings) -> HnswIndex:
    """Build a graph over the items, reproducibly: one thread, fixed seed, rows in their order.

    Args:
        vectors: (items, dim); by cosine none of them zero.
        item_ids: (items,) text.
        metric: `COSINE` or `INNER_PRODUCT`.
        settings: M, ef_construction, ef and seed.

    Raises:
        NightjarError: a vector is not finite or, by cosine, zero.
    """
    norms = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(norms).all():
        raise NightjarError("an index needs vectors that are finite", code="not_finite")
    if metric == COSINE and not norms.all():
        raise NightjarError("an index by cosine needs vectors that are not zero", code="zero_vector")
    graph = hnswlib.Index(metric, vectors.shape[1])
    # hnswlib has no empty graph, and a catalogue may have no available item that the model knows.
    graph.init_index(max(len(vectors), 1), settings.index_m, settings.index_ef_construction, settings.seed)
    if len(vectors):
        graph.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    return HnswIndex(graph, item_ids, settings.index_ef)


def load(folder: Path) -> HnswIndex:
    """Load an index, with the `ef` at which its recall was measured.

    Raises:
        NightjarError: there is no manifest, or a file is missing or differs from it.
    """
    check_manifest(folder)
    manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    item_ids = pq.read_table(folder / IDS_FILE).column("item_id").to_numpy(zero_copy_only=False)
    if len(item_ids) != manifest["item_count"]:
        raise NightjarError(
            f"{folder / IDS_FILE} holds {len(item_ids)} ids, the manifest {manifest['item_count']}",
            code="manifest_mismatch",
            file=folder / IDS_FILE,
            value=len(item_ids),
            expected=manifest["item_count"],
        )
    graph = hnswlib.Index(manifest["metric"], manifest["dim"])
    graph.load_index(str(folder / GRAPH_FILE), max(len(item_ids), 1))
    return HnswIndex(graph, item_ids, manifest["ef"])


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
