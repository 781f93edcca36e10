"""What is held out of a data set, and the test sets that follow.

Of a catalogue of one domain a fifth of the items is held out, with all their pairs. Of several domains, from each a
tenth of the users, other ones each time, with all their pairs in it. Applied again to the rest, it gives the validation
part on which peers are tuned.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.cold_start.sources import Source, ones
from benchmarks.quality.evaluation import HeldOut
from ml.data.training_data import RARE_SUFFIX, TrainingData
from nightjar.contract.settings import Settings

SEED = 1
COLD_ITEMS = "items without events"
_ITEM_FRACTION, _USER_FRACTION = 0.2, 0.1


@dataclass(frozen=True)
class ColdHeldOut:
    """Users with training pairs and their held-out candidates; candidate i is column i of `held_out`."""

    candidates: NDArray[np.int64]
    held_out: HeldOut


def hold_out(source: Source, seed: int) -> tuple[Source, dict[str, ColdHeldOut]]:
    """Return the training part, and the test sets by name: `COLD_ITEMS`, or `<source domain> -> <target domain>`."""
    rng, names = np.random.default_rng(seed), sorted(set(source.domains.tolist()))
    if len(names) == 1:
        items = np.flatnonzero(source.pairs.getnnz(axis=0))
        cold = np.sort(rng.choice(items, int(len(items) * _ITEM_FRACTION), replace=False))
        train = _without(source.pairs, np.ones(source.pairs.shape[0], np.bool_), cold)
        test_sets = {COLD_ITEMS: _test_set(source.pairs, train, np.arange(train.shape[0]), cold)}
        return replace(source, pairs=train), test_sets
    return _without_domains(source, names, rng)


def _without_domains(
    source: Source, names: list[str], rng: np.random.Generator
) -> tuple[Source, dict[str, ColdHeldOut]]:
    members = np.stack([source.domains == name for name in names], axis=1).astype(np.float32)
    has_pairs = (source.pairs @ members) > 0
    order = rng.permutation(source.pairs.shape[0])
    size = int(len(order) * _USER_FRACTION)
    train, chosen = source.pairs, {}
    for number, name in enumerate(names):
        chosen[name] = np.sort(order[number * size : (number + 1) * size])
        is_chosen = np.isin(np.arange(len(order)), chosen[name])
        train = _without(train, is_chosen, np.flatnonzero(source.domains == name))
    test_sets = {}
    for target in names:
        candidates = np.flatnonzero((source.domains == target) & (train.getnnz(axis=0) > 0))
        for number, origin in enumerate(names):
            users = chosen[target][has_pairs[chosen[target], number]]
            if origin != target:
                test_sets[f"{origin} -> {target}"] = _test_set(source.pairs, train, users, candidates)
    return replace(source, pairs=train), test_sets


def with_holdout(data: TrainingData, cold: ColdHeldOut) -> TrainingData:
    """Return the data with this holdout, as a run's features have one; only the candidates compete."""
    entries = cold.held_out.truth.tocoo()
    pairs = (cold.held_out.users[entries.row], cold.candidates[entries.col])
    is_candidate = np.isin(np.arange(len(data.item_ids)), cold.candidates)
    return replace(data, holdout=ones(*pairs, data.train.shape), is_available=is_candidate)


def with_pairs_held_out(before: TrainingData, data: TrainingData) -> TrainingData:
    """Return the data whose holdout is what later data have besides."""
    held_out = (data.train - before.train).tocsr()
    held_out.eliminate_zeros()
    return replace(before, holdout=held_out)


def training_data(source: Source, settings: Settings) -> TrainingData:
    """Return the training part in the form of a run's features: rare tags folded, sums capped, identities."""
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


def _test_set(
    pairs: sparse.csr_matrix, train: sparse.csr_matrix, users: NDArray[np.int64], candidates: NDArray[np.int64]
) -> ColdHeldOut:
    seen, held_out = train[:, candidates].tocsr(), (pairs - train).tocsr()[:, candidates].tocsr()
    held_out.eliminate_zeros()
    counts = (train.getnnz(axis=1) > 0) & (held_out.getnnz(axis=1) > 0)
    rows = users[counts[users]]
    return ColdHeldOut(candidates, HeldOut(rows, held_out[rows], seen))
