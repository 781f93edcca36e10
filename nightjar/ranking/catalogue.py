"""The items of one run with their vectors, by domain, and the popularity lists; loaded once per Python process.

Reads `model/`, `features/item_ids` and `features/popularity` of one run folder; used by the Spark jobs, and with items
and popularity from the warehouse for requests of one user. Item-sized data only: users are given block by block.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nightjar.contract.artifacts import embeddings, item_weights
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.tables import EVERYONE
from nightjar.ranking.blend import Blend, blend_of

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class PopularityList:
    """The popular items of one segment and domain: item indices and their scores (float32), best first."""

    items: Indices
    scores: Vectors

    def positions_of(self, items: Indices) -> Indices:
        """Return the position (from 0) of each item in the list, -1 where it is missing."""
        in_order = np.argsort(self.items)
        # The -1 of a missing item picks the -1 at the end.
        return np.append(in_order, -1)[find(self.items[in_order], items)]


@dataclass(frozen=True)
class Domain:
    """The items of one domain that may be recommended.

    Attributes:
        name: the domain.
        candidates: (n,) indices, ascending, of the available items that the model knows.
        column_of: (items,) position of each item in `candidates`, -1 for the others.
        vectors: (n, dim + 1) float32, the candidates' vectors with their biases as the last dimension.
        neighbours: (m,) the candidates whose vector is not zero, so that they have a cosine.
        popular: popularity list by segment; that of `all` ranks every available item of the domain.
    """

    name: str
    candidates: Indices
    column_of: Indices
    vectors: Vectors
    neighbours: Indices
    popular: dict[str, PopularityList]


@dataclass(frozen=True)
class Catalogue:
    """The items of one run and its model's arrays, row i for the item (or user) of index i.

    Attributes:
        item_ids: (items,) text.
        domains: in the order of their names, each with an available item.
        units: (items, dim) float32, item vectors of length 1; zero where the item is unknown to the model.
        user_vectors: (users, dim) float32, memory-mapped.
        user_sources: (users,) int8, memory-mapped.
        blend: how users with trained vectors are scored; None: by the embeddings alone.
    """

    item_ids: pa.Array
    domains: tuple[Domain, ...]
    units: Vectors
    user_vectors: Vectors
    user_sources: NDArray[np.int8]
    blend: Blend | None


@lru_cache(maxsize=1)
def load_catalogue(run_folder: str) -> Catalogue:
    """Load the catalogue of a run folder whose manifest has been checked; the process caches the last one."""
    folder = RunFolder(Path(run_folder))
    items = pq.read_table(folder.features("item_ids")).sort_by("item_index").combine_chunks()
    return catalogue_of(folder.model, items, pq.read_table(folder.features("popularity")).sort_by("rank"))


def catalogue_of(model: Path, items: pa.Table, popular: pa.Table) -> Catalogue:
    """Prepare the catalogue of one model.

    Args:
        model: folder of the embeddings, whose manifest has been checked.
        items: item_id, domain, is_available of every item of the model, in the model's order.
        popular: segment, domain, item_index, score of the popularity lists, best first.
    """
    vectors = np.asarray(embeddings.mapped(model, "item_vectors"))
    biases = np.asarray(embeddings.mapped(model, "item_biases"))
    sources = embeddings.mapped(model, "item_sources")
    is_known = sources > embeddings.UNKNOWN
    weights = item_weights.mapped(model)
    units = embeddings.unit_vectors(vectors, is_known)
    recommendable = items["is_available"].to_numpy(zero_copy_only=False) & is_known

    def domain(name: str) -> Domain:
        candidates = np.flatnonzero(recommendable & pc.equal(items["domain"], name).to_numpy())
        return Domain(
            name,
            candidates,
            positions(candidates, len(units)),
            np.column_stack([vectors[candidates], biases[candidates]]),
            candidates[units[candidates].any(axis=1)],
            _popularity_lists(popular.filter(pc.equal(popular["domain"], name))),
        )

    names = sorted(pc.unique(popular.filter(pc.equal(popular["segment"], EVERYONE))["domain"]).to_pylist())
    return Catalogue(
        items["item_id"].combine_chunks(),
        tuple(domain(name) for name in names),
        units,
        embeddings.mapped(model, "user_vectors"),
        embeddings.mapped(model, "user_sources"),
        blend_of(weights, vectors, biases, sources) if weights else None,
    )


def positions(values: Indices, size: int) -> Indices:
    """Return for each number below `size` its position among the values, -1 where it is missing."""
    position = np.full(size, -1)
    position[values] = np.arange(len(values))
    return position


def find(in_order: Indices, values: Indices) -> Indices:
    """Return the position of each value in an ascending array without repeats, -1 where it is missing."""
    if len(in_order) == 0:
        return np.full(len(values), -1)
    place = np.minimum(np.searchsorted(in_order, values), len(in_order) - 1)
    return np.where(in_order[place] == values, place, -1)


def _popularity_lists(popular: pa.Table) -> dict[str, PopularityList]:
    lists = {}
    for segment in pc.unique(popular["segment"]).to_pylist():
        ranked = popular.filter(pc.equal(popular["segment"], segment))
        lists[segment] = PopularityList(
            ranked["item_index"].to_numpy().astype(np.int64), ranked["score"].to_numpy().astype(np.float32)
        )
    return lists
