"""Nightjar's lists for sessions that training never saw: folded in and ranked as a request of one user is.

Reads the current publication's model, and its items and popularity lists from the warehouse of the home. Items that a
session has are ranked too, since a click may be repeated.
"""

from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.embeddings import TRAINED, UNKNOWN
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.ranking.fold_in import folded_history, scaled_sums
from nightjar.ranking.ranker import UserBlock, rank_block
from nightjar.ranking.top_k_lists import UserItemPairs
from nightjar.serving.published_model import PublishedModel, load_published_model

K = 20
_ROWS = 1024
_CURRENT = """
select c.publication_id, p.as_of from recs.current_publication c join recs.publications p using (ledger_id)
"""


def session_lists(home: Path, prefixes: NDArray[np.object_], settings: Settings) -> NDArray[np.object_]:
    """Return the items that the published model ranks first after each prefix.

    Args:
        home: of the run.
        prefixes: (rows, places) item ids, the newest first, None where there is none.
        settings: `fold_in_items`.

    Returns:
        (rows, K) item ids, None where a list has fewer.
    """
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        publication_id, as_of = connection.execute(_CURRENT).fetchone()  # type: ignore[misc]
        folder = RunFolder.of(home / "lake", publication_id).model
        model = load_published_model(connection, folder, publication_id, as_of)
    item_ids = np.append(np.array(model.catalogue.item_ids.to_pylist(), object), None)
    blocks = [
        items_of(model, prefixes[start : start + _ROWS], settings.fold_in_items)
        for start in range(0, len(prefixes), _ROWS)
    ]
    return item_ids[np.concatenate(blocks)]


def items_of(model: PublishedModel, prefixes: NDArray[np.object_], newest: int) -> NDArray[np.int64]:
    """Return the lists of some prefixes: (rows, K) indices of the model's items, -1 where a list has fewer.

    Args:
        model: of one domain, as a data set of sessions has.
        prefixes: as in `session_lists`.
        newest: items of a prefix that count at most.
    """
    history = folded_history(recency_of(model, prefixes), newest)
    vectors = {
        name: scaled_sums(history.weights, space.item_vectors, space.mean_user_length)
        for name, space in model.spaces.items()
    }
    rows = len(prefixes)
    block = UserBlock(
        numbers=np.arange(rows),
        vectors=vectors,
        sources=np.where(vectors[LIGHTFM].any(axis=1), TRAINED, UNKNOWN).astype(np.int8),
        segments=np.full(rows, None, object),
        history=history,
        left_out=UserItemPairs(np.empty(0, np.int64), np.empty(0, np.int64)),
    )
    (lists,) = rank_block(block, model.catalogue, K)
    return lists.items


def recency_of(model: PublishedModel, prefixes: NDArray[np.object_]) -> sparse.csr_matrix:
    """(rows, items) CSR: 1 for the newest item of a prefix that the model has, 2 for the next other one, ..."""
    columns, recency, ends = [], [], [0]
    for prefix in prefixes:
        known = dict.fromkeys(model.item_index[item] for item in prefix if item in model.item_index)
        columns.extend(known)
        recency.extend(range(1, len(known) + 1))
        ends.append(len(columns))
    shape = (len(prefixes), len(model.item_index))
    return sparse.csr_matrix((np.array(recency, np.float64), np.array(columns, np.int64), ends), shape=shape)
