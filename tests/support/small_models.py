"""Models and catalogues of a few users and items, in memory, for tests of the ranker."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import History, Source
from nightjar.ranking.catalogue import Catalogue, PopularityList, catalogue_of
from nightjar.ranking.ranker import UserBlock
from nightjar.ranking.top_k_lists import UserItemPairs

# By domain, then segment: (item, score), best first.
Popular = Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]


def embeddings_of(
    user_vectors: Any,
    item_vectors: Any,
    *,
    item_biases: Any = None,
    user_sources: Any = None,
    item_sources: Any = None,
) -> Embeddings:
    """Return embeddings of users u0, u1, ... and items i0, i1, ...; all trained and without biases unless given."""
    users, items = len(user_vectors), len(item_vectors)
    return Embeddings(
        user_ids=np.array([f"u{user}" for user in range(users)], object),
        item_ids=np.array([f"i{item}" for item in range(items)], object),
        user_vectors=np.asarray(user_vectors, np.float32),
        user_biases=np.zeros(users, np.float32),
        item_vectors=np.asarray(item_vectors, np.float32),
        item_biases=np.asarray(np.zeros(items) if item_biases is None else item_biases, np.float32),
        user_sources=np.asarray([2] * users if user_sources is None else user_sources, np.int8),
        item_sources=np.asarray([2] * items if item_sources is None else item_sources, np.int8),
    )


def small_catalogue(
    trained: Embeddings,
    popular: Popular,
    *others: Source,
    domains: Sequence[str] | None = None,
    is_available: Sequence[bool] | None = None,
) -> Catalogue:
    """Return the catalogue of a model; all items are available and of the domain `films` unless given."""
    items = len(trained.item_ids)
    table = pa.table(
        {
            "item_id": pa.array(trained.item_ids, pa.string()),
            "domain": pa.array(["films"] * items if domains is None else domains),
            "is_available": pa.array([True] * items if is_available is None else is_available),
        }
    )
    lists = {
        domain: {segment: popularity_list(rows) for segment, rows in of_domain.items()}
        for domain, of_domain in popular.items()
    }
    return catalogue_of(ModelSources(trained, others), table, lists)


def popularity_list(rows: Sequence[tuple[int, float]]) -> PopularityList:
    """Return the popularity list of (item, score), best first."""
    return PopularityList(
        np.array([item for item, _ in rows], np.int64), np.array([score for _, score in rows], np.float32)
    )


def small_block(
    items: Catalogue,
    *,
    segments: Sequence[str | None] | None = None,
    history: Any = None,
    left_out: Sequence[tuple[int, int]] = (),
) -> UserBlock:
    """Return all users of a catalogue as one block; `left_out` are (row, item), sorted by row.

    `history` is a `History`, or the weights of items that are all equally new.
    """
    users = len(items.user_sources)
    if not isinstance(history, History):
        history = unordered(np.zeros((users, len(items.units))) if history is None else history)
    return UserBlock(
        np.arange(users),
        items.user_vectors,
        items.user_sources,
        np.array([None] * users if segments is None else segments, object),
        history,
        UserItemPairs(
            np.array([row for row, _ in left_out], np.int64), np.array([item for _, item in left_out], np.int64)
        ),
    )


def unordered(rows: Any) -> History:
    """Return the histories of weights whose items are all equally new."""
    return History.unordered(csr(rows))


def csr(rows: Any) -> sparse.csr_matrix:
    """Return a float32 CSR matrix of its rows."""
    return sparse.csr_matrix(np.asarray(rows, np.float32))
