"""The items of one run with the sources of its model, by domain, and the popularity lists.

Of a model in memory (the evaluation), or of the folders `model/` and `features/` of a run, loaded once per Python
process (the Spark jobs); requests of one user take items and popularity from the warehouse. Item-sized data only: users
are given block by block.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.contract.artifacts.model_folder import ModelSources
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

    def among(self, is_candidate: NDArray[np.bool_]) -> "PopularityList":
        """Return the list of some items: (items,)."""
        kept = is_candidate[self.items]
        return PopularityList(self.items[kept], self.scores[kept])


# By domain and segment.
PopularityLists = Mapping[str, Mapping[str, PopularityList]]


@dataclass(frozen=True)
class Domain:
    """The items of one domain that may be recommended.

    Attributes:
        name: the domain.
        candidates: (n,) indices, ascending, of the available items that the model knows.
        neighbours: (m,) the candidates whose vector is not zero, so that they have a cosine.
        popular: popularity list by segment; that of `all` ranks every available item of the domain.
    """

    name: str
    candidates: Indices
    neighbours: Indices
    popular: Mapping[str, PopularityList]

    def among(self, is_candidate: NDArray[np.bool_]) -> "Domain":
        """Return the domain with some of its items: (items,)."""
        return Domain(
            self.name,
            self.candidates[is_candidate[self.candidates]],
            self.neighbours[is_candidate[self.neighbours]],
            {segment: each.among(is_candidate) for segment, each in self.popular.items()},
        )


@dataclass(frozen=True)
class Catalogue:
    """The items of one run and its model's arrays, row i for the item (or user) of index i.

    Attributes:
        item_ids: (items,) text.
        item_domains: (items,) int64, position of each item's domain in `domains`; -1: it is none of them.
        domains: in the order of their names, each with an available item.
        units: (items, dim) float32, item vectors of length 1; zero where the item is unknown to the model.
        user_vectors: (users, dim) float32 by source of kind vectors, memory-mapped or not.
        user_sources: (users,) int8, as in `Embeddings`.
        blend: how users are scored.
    """

    item_ids: pa.Array
    item_domains: Indices
    domains: tuple[Domain, ...]
    units: Vectors
    user_vectors: Mapping[str, Vectors]
    user_sources: NDArray[np.int8]
    blend: Blend

    def among(self, is_candidate: NDArray[np.bool_]) -> "Catalogue":
        """Return the catalogue where only some items may be recommended: (items,)."""
        return replace(self, domains=tuple(each.among(is_candidate) for each in self.domains))


@lru_cache(maxsize=1)
def load_catalogue(run_folder: str) -> Catalogue:
    """Load the catalogue of a run folder whose manifest has been checked; the process caches the last one."""
    return read_catalogue(RunFolder(Path(run_folder)))


def read_catalogue(folder: RunFolder) -> Catalogue:
    """Read the catalogue of a run folder whose manifest has been checked."""
    items = pq.read_table(folder.features("item_ids")).sort_by("item_index").combine_chunks()
    popular = pq.read_table(folder.features("popularity")).sort_by("rank")
    return catalogue_of(model_folder.mapped(folder.model), items, popularity_lists(popular))


def catalogue_of(model: ModelSources, items: pa.Table, popular: PopularityLists) -> Catalogue:
    """Prepare the catalogue of one model.

    Args:
        model: its sources.
        items: item_id, domain, is_available of every item of the model, in the model's order.
        popular: the popularity lists; a domain without one of segment `all` has no recommendations.
    """
    trained = model.embeddings
    is_known = trained.item_sources > embeddings.UNKNOWN
    units = embeddings.unit_vectors(np.asarray(trained.item_vectors), is_known)
    recommendable = items["is_available"].to_numpy(zero_copy_only=False) & is_known

    def domain(name: str) -> Domain:
        candidates = np.flatnonzero(recommendable & pc.equal(items["domain"], name).to_numpy())
        return Domain(name, candidates, candidates[units[candidates].any(axis=1)], popular[name])

    names = sorted(name for name, lists in popular.items() if EVERYONE in lists)
    ids = items["item_id"]
    return Catalogue(
        ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids,
        pc.fill_null(pc.index_in(items["domain"], pa.array(names, pa.string())), -1).to_numpy().astype(np.int64),
        tuple(domain(name) for name in names),
        units,
        {name: each.user_vectors for name, each in model.vectors().items()},
        trained.user_sources,
        blend_of(model),
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


def popularity_lists(popular: pa.Table) -> PopularityLists:
    """Return popularity lists by domain and segment.

    Args:
        popular: segment, domain, item_index, score; the rows of one list stand best first.
    """
    lists: dict[str, dict[str, PopularityList]] = {}
    items, scores = popular["item_index"].to_numpy().astype(np.int64), popular["score"].to_numpy().astype(np.float32)
    codes = [pc.dictionary_encode(popular[name]).combine_chunks() for name in ("domain", "segment")]
    domain, segment = (each.indices.to_numpy() for each in codes)
    order = np.lexsort((np.arange(len(items)), segment, domain))
    is_start = (np.diff(domain[order], prepend=-1) != 0) | (np.diff(segment[order], prepend=-1) != 0)
    for rows in np.split(order, np.flatnonzero(is_start)[1:]) if len(order) else []:
        names = [each.dictionary[int(each.indices[int(rows[0])].as_py())].as_py() for each in codes]
        lists.setdefault(names[0], {})[names[1]] = PopularityList(items[rows], scores[rows])
    return lists
