"""The model of one publication on disk: its embeddings and the other sources that it ranks by, under one manifest.

`manifest.json` has the digest of every file, and the sources with kind, weight, items and digest. Written by ml after
the final fit, read by the ranker. A folder of an earlier version, which has co-occurrence weights in their place, is
read as two sources.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from nightjar.contract.artifacts import embeddings
from nightjar.contract.artifacts.embeddings import MANIFEST, TRAINED, Embeddings, read_manifest, sha256
from nightjar.contract.artifacts.sources import (
    COLD,
    IN_DOMAIN,
    KINDS,
    SHARED,
    USERS,
    WARM,
    HistoryRule,
    ItemWeights,
    Source,
    VectorSource,
    square,
)
from nightjar.contract.artifacts.user_features import UserFeatures
from nightjar.contract.atomic_files import written_aside

# The source of the embeddings, by which indices, similar items, cold users and cold items go.
LIGHTFM = "lightfm"
# As earlier versions wrote what are two sources now: the weights of warm and of cold items in one matrix.
_EARLIER_PARTS = ("cooccurrence_weights", "cooccurrence_items", "cooccurrence_starts")
_WEIGHTS = ("weight", "weight_new_to_domain", "weight_cold_user")
_EARLIER_RULE, _EARLIER_AVERAGE, _EARLIER_SOURCE = "cooccurrence_rule", "cooccurrence_average", "cooccurrence"


@dataclass(frozen=True)
class SourceFacts:
    """What a source is called, what it is, and what it weighs; rows of `recs.model_sources`."""

    source: str
    kind: str
    items: str
    weight: float
    weight_new_to_domain: float
    weight_cold_user: float


@dataclass(frozen=True)
class ModelSources:
    """The sources of one model.

    Attributes:
        embeddings: those of LightFM.
        others: the other sources.
    """

    embeddings: Embeddings
    others: tuple[Source, ...] = ()

    def embedding_weight(self, items: str, users: str = IN_DOMAIN) -> float:
        """Weight of the embeddings' scores of warm or of cold items: what the other sources leave of 1."""
        return max(0.0, 1 - sum(each.weight_for(users) for each in self.others if each.items == items))

    def facts(self) -> Iterator[SourceFacts]:
        """Yield the facts of each source, the embeddings first."""
        weights = (self.embedding_weight(WARM, users) for users in USERS)
        yield SourceFacts(LIGHTFM, VectorSource.kind, WARM, *weights)
        for each in self.others:
            weights = (each.weight_for(users) for users in USERS)
            yield SourceFacts(each.name, each.fitted.kind, each.items, *weights)

    def vectors(self) -> dict[str, VectorSource]:
        """The sources of kind vectors that weigh more than 0 by name, the embeddings among them."""
        trained = self.embeddings
        own = VectorSource(trained.user_vectors, trained.item_vectors, trained.item_biases)
        return {LIGHTFM: own} | {
            each.name: each.fitted for each in self.of_weight() if isinstance(each.fitted, VectorSource)
        }

    def of_weight(self) -> tuple[Source, ...]:
        """The other sources that weigh more than 0."""
        return tuple(each for each in self.others if any(each.weight_for(users) > 0 for users in USERS))


def save(model: ModelSources, folder: Path, user_features: UserFeatures | None = None) -> None:
    """Write a model and its manifest; the folder appears whole or not at all."""
    with written_aside(folder) as aside:
        embeddings.write(model.embeddings, aside)
        if user_features is not None:
            user_features.write(aside)
        shared = _shared_weights(model.others)
        for source in model.others:
            for name, array in source.fitted.arrays().items():
                if source.name not in shared or name == "average":
                    np.save(aside / f"{source.name}.{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
        digests = {path.name: sha256(path) for path in sorted(aside.iterdir())}
        of_sources = {
            each.name: each.fitted.facts() | ({SHARED: shared[each.name]} if each.name in shared else {})
            for each in model.others
        }
        sources = [
            {
                "name": each.source,
                "kind": each.kind,
                "items": each.items,
                **{name: getattr(each, name) for name in _WEIGHTS},
                **of_sources.get(each.source, {}),
                "sha256": _digest_of_source(each.source, digests, shared.get(each.source)),
            }
            for each in model.facts()
        ]
        manifest = {"sha256": digests, "sources": sources}
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def mapped(folder: Path) -> ModelSources:
    """Map the model of a folder, whose manifest the caller has checked, into memory."""
    trained = embeddings.load_unchecked(folder)
    manifest = read_manifest(folder)
    if "sources" not in manifest:
        return ModelSources(trained, tuple(_sources_of_earlier_version(folder, trained)))
    others: dict[str, Source] = {}
    for facts in manifest["sources"]:
        if facts["name"] != LIGHTFM:
            others[facts["name"]] = _mapped_source(folder, facts, others)
    return ModelSources(trained, tuple(others.values()))


def _mapped_source(folder: Path, facts: dict[str, Any], before: Mapping[str, Source]) -> Source:
    fitted = KINDS[facts["kind"]].mapped(folder, facts["name"], facts)
    first = before[facts[SHARED]].fitted if SHARED in facts else None
    if isinstance(fitted, ItemWeights) and isinstance(first, ItemWeights):
        # The ranker goes through weights that several sources share once, where they are one object.
        fitted = replace(fitted, weights=first.weights)
    # Manifests of earlier versions have one weight.
    weights = {name: facts[name] for name in _WEIGHTS if name in facts}
    return Source(facts["name"], fitted=fitted, items=facts["items"], **weights)


def _shared_weights(sources: tuple[Source, ...]) -> dict[str, str]:
    """Return by source the one before it that has the very same item weights."""
    first: dict[int, str] = {}
    shared = {}
    for each in sources:
        if isinstance(each.fitted, ItemWeights):
            of = first.setdefault(id(each.fitted.weights), each.name)
            if of != each.name:
                shared[each.name] = of
    return shared


def _digest_of_source(name: str, digests: dict[str, str], shared: str | None) -> str:
    # The files of the embeddings are those without a name before a dot, e.g. item_vectors.npy.
    names = [each for each in (name, shared) if each is not None]
    own = [file for file in digests if (file.count(".") == 1 if name == LIGHTFM else file.partition(".")[0] in names)]
    return hashlib.sha256("".join(f"{file} {digests[file]}\n" for file in sorted(own)).encode()).hexdigest()


def _sources_of_earlier_version(folder: Path, trained: Embeddings) -> Iterator[Source]:
    if not (folder / f"{_EARLIER_RULE}.npy").exists():
        return
    weights = square([np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _EARLIER_PARTS])
    # The first models have no third number and no weights for cold items.
    rule = [*np.load(folder / f"{_EARLIER_RULE}.npy", allow_pickle=False).tolist(), 0.0]
    blend_weight, exponent, cold_blend_weight = rule[:3]
    average = folder / f"{_EARLIER_AVERAGE}.npy"
    subtracted = np.load(average, allow_pickle=False) if average.exists() else None
    both = ItemWeights(weights, HistoryRule(exponent), subtracted)
    is_warm = trained.item_sources == TRAINED
    for items, is_scored, weight in ((WARM, is_warm, blend_weight), (COLD, ~is_warm, cold_blend_weight)):
        name = _EARLIER_SOURCE if items == WARM else f"{_EARLIER_SOURCE}_{COLD}"
        columns = sparse.csr_matrix(weights @ sparse.diags(is_scored.astype(np.float32)))
        columns.eliminate_zeros()
        columns.sort_indices()
        yield Source(name, weight, replace(both, weights=columns), items)
