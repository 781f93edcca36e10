"""Similar items of every item in every domain, in blocks of items; score_users writes them as `similar_items`."""

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.ranking.catalogue import Catalogue, find, load_catalogue
from nightjar.ranking.top_k import Excluded, top_k

SCHEMA = "item_id string, target_domain string, rank int, similar_item_id string, similarity float"


def similar_items(item_ids: DataFrame, run_folder: str, k: int, block_items: int) -> DataFrame:
    """Return the nearest available items by cosine, columns as in `SCHEMA`; blocks as in recommendations."""

    def compare(items: pa.Table) -> pa.Table:
        with threadpool_limits(1):
            return compare_block(items, load_catalogue(run_folder), k)

    block = F.floor(F.col("item_index") / block_items).alias("block")
    return item_ids.select(block, "item_index").groupBy("block").applyInArrow(compare, SCHEMA)


def compare_block(block: pa.Table, items: Catalogue, k: int) -> pa.Table:
    """Return the similar items of one block's items.

    Args:
        block: item_index, in any order. Items with a zero vector, or unknown to the model, get no rows.
        items: the catalogue; an unavailable item has similar items but is not one.
        k: similar items per item and target domain.
    """
    queries = np.sort(block["item_index"].to_numpy().astype(np.int64))
    queries = queries[items.units[queries].any(axis=1)]
    neighbours, cosines = [np.empty((len(queries), 0), np.int64)], [np.empty((len(queries), 0), np.float32)]
    for domain in items.domains:
        own = find(domain.neighbours, queries)
        itself = Excluded(np.flatnonzero(own >= 0), own[own >= 0], len(queries))
        nearest, scores = top_k(domain.neighbours, items.units[domain.neighbours], items.units[queries], k, itself)
        neighbours.append(nearest)
        cosines.append(scores)
    neighbour = np.concatenate(neighbours, axis=1)
    row, column = np.nonzero(neighbour >= 0)
    # Rounding takes the cosine of two equal vectors past 1.
    cosine = np.clip(np.concatenate(cosines, axis=1)[row, column], -1.0, 1.0)
    columns = {
        "item_id": items.item_ids.take(pa.array(queries[row])),
        "target_domain": pa.array([domain.name for domain in items.domains], pa.string()).take(pa.array(column // k)),
        "rank": pa.array(column % k + 1, pa.int32()),
        "similar_item_id": items.item_ids.take(pa.array(neighbour[row, column])),
        "similarity": pa.array(cosine, pa.float32()),
    }
    return pa.table(columns)
