"""The items of a run in their spaces: how many have a vector of each kind, and the published embeddings to draw.

Reads the run's snapshot and `recs.item_embeddings`; used by `nightjar/reporting/report.py`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nightjar.contract.run_folder import RunFolder
from nightjar.reporting.report_tables import Rows
from nightjar.warehouse.protocol import Connection

# To place so many takes some four seconds of a nightly run, ten thousand take half a minute.
MOST_DRAWN = 2_000
_EMBEDDINGS = """
    select item_id, embedding, items from (
        select item_id, embedding, cast(count(*) over () as bigint) as items
        from recs.item_embeddings where publication_id = ? order by md5(item_id) limit ?
    ) as sampled order by item_id
"""
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class EmbeddedItems:
    """The embeddings of a publication, at most `MOST_DRAWN` of them.

    Attributes:
        item_ids: ascending.
        vectors: (n, d) float32.
        items: how many have an embedding.
        colours_by: `domain` where there are several, else the kind of feature that most items have.
        values: of it, with their weights, by item.
    """

    item_ids: list[str]
    vectors: NDArray[np.float32]
    items: int
    colours_by: str
    values: Mapping[str, list[tuple[str, float]]]


def vectors_by_kind(folder: RunFolder) -> Rows:
    """Return one row a kind of vector: dimension, the run's items that have one, and their proportion.

    No rows where the run has no vectors, an earlier version made it, or its snapshot is gone.
    """
    vectors, items = folder.snapshot("item_vectors"), folder.snapshot("items")
    names = ["kind", "dimension", "items", "of all items"]
    if not (vectors.exists() and items.exists()):
        return Rows(names, [])
    item_ids = pq.read_table(items, columns=["item_id"])["item_id"].combine_chunks()
    counts: Counter[str] = Counter()
    dimensions: dict[str, int] = {}
    with pq.ParquetFile(vectors) as file:
        for batch in file.iter_batches(_BATCH_ROWS):
            of_run = batch.filter(pc.is_in(batch["item_id"], item_ids))
            counts.update(of_run["kind"].to_pylist())
            dimensions.update(
                zip(of_run["kind"].to_pylist(), pc.list_value_length(of_run["vector"]).to_pylist(), strict=True)
            )
    rows = [
        [kind, str(dimensions[kind]), f"{count:,}", f"{count / len(item_ids):.1%}"]
        for kind, count in sorted(counts.items())
    ]
    return Rows(names, rows)


def embedded_items(connection: Connection, folder: RunFolder) -> EmbeddedItems | None:
    """Return the embeddings to draw, always the same of one catalogue; None where they, or the snapshot, are not there.

    Readers of DuckDB have the embeddings of the current publication only.
    """
    rows = connection.execute(_EMBEDDINGS, [folder.publication_id, MOST_DRAWN]).fetchall()
    if not rows or not folder.snapshot("items").exists():
        return None
    colours_by, values = _values(folder)
    return EmbeddedItems(
        [row[0] for row in rows], np.array([row[1] for row in rows], np.float32), rows[0][2], colours_by, values
    )


def _values(folder: RunFolder) -> tuple[str, dict[str, list[tuple[str, float]]]]:
    items = pq.read_table(folder.snapshot("items"), columns=["item_id", "domain"]).to_pylist()
    by_domain = {row["item_id"]: [(row["domain"], 1.0)] for row in items}
    features = folder.snapshot("item_features")
    if len({row["domain"] for row in items}) > 1 or not features.exists():
        return "domain", by_domain
    by_kind: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for row in pq.read_table(features).to_pylist():
        kind, separator, value = row["feature"].partition(":")
        if separator and row["item_id"] in by_domain:
            by_kind.setdefault(kind, {}).setdefault(row["item_id"], []).append((value, row["weight"]))
    if not by_kind:
        return "domain", by_domain
    commonest = min(by_kind, key=lambda kind: (-len(by_kind[kind]), kind))
    return commonest, by_kind[commonest]
