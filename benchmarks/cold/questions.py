"""What is held out of a data set, and what is asked about it then.

Held out of a catalogue of one domain: a fifth of its items, with all their pairs. Of several domains: of each a tenth
of the users, other ones each time, with all their pairs in it. Done again to what is left, it gives the validation
part on which peers are tuned.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.cold.sources import Source, ones
from benchmarks.quality.judging import Question
from ml.data.training_data import RARE_SUFFIX, TrainingData
from nightjar.contract.settings import Settings

SEED = 1
COLD_ITEMS = "items without events"
_ITEM_SHARE, _USER_SHARE = 0.2, 0.1


@dataclass(frozen=True)
class Asked:
    """Users with known pairs and what they took of the candidates, whose numbers count from 0 in `question`."""

    candidates: NDArray[np.int64]
    question: Question


def held_out(source: Source, seed: int) -> tuple[Source, dict[str, Asked]]:
    """Return what is known, and the questions by name: `COLD_ITEMS`, or `<source domain> -> <target domain>`."""
    rng, names = np.random.default_rng(seed), sorted(set(source.domains.tolist()))
    if len(names) == 1:
        items = np.flatnonzero(source.pairs.getnnz(axis=0))
        cold = np.sort(rng.choice(items, int(len(items) * _ITEM_SHARE), replace=False))
        known = _without(source.pairs, np.ones(source.pairs.shape[0], np.bool_), cold)
        asked = {COLD_ITEMS: _asked(source.pairs, known, np.arange(known.shape[0]), cold)}
        return replace(source, pairs=known), asked
    return _without_domains(source, names, rng)


def _without_domains(source: Source, names: list[str], rng: np.random.Generator) -> tuple[Source, dict[str, Asked]]:
    members = np.stack([source.domains == name for name in names], axis=1).astype(np.float32)
    took = (source.pairs @ members) > 0
    order = rng.permutation(source.pairs.shape[0])
    size = int(len(order) * _USER_SHARE)
    known, chosen = source.pairs, {}
    for number, name in enumerate(names):
        chosen[name] = np.sort(order[number * size : (number + 1) * size])
        is_chosen = np.isin(np.arange(len(order)), chosen[name])
        known = _without(known, is_chosen, np.flatnonzero(source.domains == name))
    asked = {}
    for target in names:
        candidates = np.flatnonzero((source.domains == target) & (known.getnnz(axis=0) > 0))
        for number, origin in enumerate(names):
            users = chosen[target][took[chosen[target], number]]
            if origin != target:
                asked[f"{origin} -> {target}"] = _asked(source.pairs, known, users, candidates)
    return replace(source, pairs=known), asked


def with_holdout(data: TrainingData, asked: Asked) -> TrainingData:
    """Hold out what is asked for, as a night's features do; nothing but the candidates competes."""
    entries = asked.question.truth.tocoo()
    pairs = (asked.question.users[entries.row], asked.candidates[entries.col])
    is_candidate = np.isin(np.arange(len(data.item_ids)), asked.candidates)
    return replace(data, holdout=ones(*pairs, data.train.shape), is_available=is_candidate)


def training_data(source: Source, settings: Settings) -> TrainingData:
    """Give the known part the form that a night's features have: rare tags folded, sums capped, identities."""
    users, items = source.pairs.shape
    tags, names = _folded(source.tags, settings.min_feature_support)
    totals = np.maximum(np.asarray(tags.sum(axis=1)).ravel(), 1e-9)
    tags = sparse.diags_array(np.minimum(1, settings.max_feature_weight / totals)) @ tags
    identities = [np.flatnonzero(source.pairs.getnnz(axis=axis)) for axis in (1, 0)]
    own = [
        sparse.identity(size, np.float32, "csr")[:, kept] for size, kept in zip((users, items), identities, strict=True)
    ]
    none = sparse.csr_matrix(source.pairs.shape, dtype=np.float32)
    return TrainingData(
        user_ids=np.arange(users).astype(str).astype(object),
        item_ids=np.arange(items).astype(str).astype(object),
        item_domains=source.domains,
        is_available=np.ones(items, np.bool_),
        full=source.pairs,
        train=source.pairs,
        holdout=none,
        fold_in_recency=none,
        user_features=own[0],
        item_features=sparse.csr_matrix(sparse.hstack([tags, own[1]], format="csr").astype(np.float32)),
        user_feature_names=np.array([f"id:{number}" for number in identities[0]], object),
        item_feature_names=np.array([*names, *(f"id:{number}" for number in identities[1])], object),
    )


def _folded(tags: sparse.csr_matrix, least: int) -> tuple[sparse.csr_matrix, list[str]]:
    carriers = tags.getnnz(axis=0)
    kept, rare = np.flatnonzero(carriers >= least), np.flatnonzero((carriers > 0) & (carriers < least))
    names = [f"tag:{number}" for number in kept]
    if len(rare) == 0:
        return tags[:, kept].tocsr(), names
    has_rare = sparse.csr_matrix((tags[:, rare].getnnz(axis=1) > 0).astype(np.float32)[:, None])
    return sparse.csr_matrix(sparse.hstack([tags[:, kept], has_rare], format="csr")), [*names, f"tag{RARE_SUFFIX}"]


def _without(pairs: sparse.csr_matrix, users: NDArray[np.bool_], items: NDArray[np.int64]) -> sparse.csr_matrix:
    entries = pairs.tocoo()
    kept = ~(users[entries.row] & np.isin(entries.col, items))
    left = sparse.csr_matrix((entries.data[kept], (entries.row[kept], entries.col[kept])), shape=pairs.shape)
    left.sort_indices()
    return left


def _asked(
    pairs: sparse.csr_matrix, known: sparse.csr_matrix, users: NDArray[np.int64], candidates: NDArray[np.int64]
) -> Asked:
    seen, taken = known[:, candidates].tocsr(), (pairs - known).tocsr()[:, candidates].tocsr()
    taken.eliminate_zeros()
    counts = (known.getnnz(axis=1) > 0) & (taken.getnnz(axis=1) > 0)
    rows = users[counts[users]]
    return Asked(candidates, Question(rows, taken[rows], seen))
