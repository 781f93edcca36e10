"""Rankers of a few users and items, whose scores a test writes down itself."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import popularity_by_users
from nightjar.contract.artifacts.embeddings import TRAINED, Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import History, Source
from nightjar.ranking.catalogue import PopularityLists, catalogue_of, popularity_lists
from nightjar.ranking.ranker import Ranker


def matrix(rows: Sequence[Sequence[float]]) -> sparse.csr_matrix:
    """Return the rows as a float32 CSR matrix."""
    return sparse.csr_matrix(np.array(rows, np.float32))


def domains_of(names: str) -> NDArray[np.object_]:
    """Return the domains of items, a letter each."""
    return np.array(list(names), object)


def lists_of(*lists: tuple[str, str, Sequence[int], Sequence[float]]) -> PopularityLists:
    """Return popularity lists of (segment, domain, items, scores), best first."""
    rows = [
        {"segment": segment, "domain": domain, "item_index": item, "score": float(score)}
        for segment, domain, items, scores in lists
        for item, score in zip(items, scores, strict=True)
    ]
    return popularity_lists(pa.Table.from_pylist(rows))


def ranker_by_scores(
    scores: NDArray[np.float32],
    train: sparse.csr_matrix,
    *,
    domains: NDArray[np.object_] | None = None,
    popular: PopularityLists | None = None,
    user_sources: Sequence[int] | None = None,
    segments: Sequence[str | None] | None = None,
    others: Sequence[Source] = (),
) -> Ranker:
    """Return a ranker whose embeddings score an item for a user as written down; all items have interactions.

    Args:
        scores: (users, items).
        train: (users, items) CSR, the histories.
        domains: (items,) text; None: all are of one domain.
        popular: popularity lists; None: by the number of training users.
        user_sources: `TRAINED`, `FEATURES_ONLY` or `UNKNOWN` of each user; None: all are trained.
        segments: of each user; None: nobody has one.
        others: sources beside the embeddings.
    """
    users, items = scores.shape
    domains = np.full(items, "d", object) if domains is None else domains
    ids = np.array([str(item) for item in range(items)], object)
    embeddings = Embeddings(
        user_ids=np.array([str(user) for user in range(users)], object),
        item_ids=ids,
        user_vectors=scores.astype(np.float32),
        user_biases=np.zeros(users, np.float32),
        item_vectors=np.eye(items, dtype=np.float32),
        item_biases=np.zeros(items, np.float32),
        user_sources=np.array(user_sources or [TRAINED] * users, np.int8),
        item_sources=np.full(items, TRAINED, np.int8),
    )
    table = pa.table({"item_id": ids, "domain": domains, "is_available": np.ones(items, np.bool_)})
    popular = popularity_by_users(train, domains, ids).lists if popular is None else popular
    catalogue = catalogue_of(ModelSources(embeddings, tuple(others)), table, popular)
    return Ranker(catalogue, History.unordered(train), np.array(segments or [None] * users, object))
