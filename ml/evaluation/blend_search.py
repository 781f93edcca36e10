"""Searches the weights of sources whose weighted sum ranks some lists best.

Pure; used by `ml.evaluation.blend_weights`. Coordinate search by recall + NDCG from several starts, repeated on samples
of the lists: the mean of their weights depends less on single users than the best weights do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.recall import recall
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.blend import LOWEST

# Fractions that a source is tried with, of the weight that is not any source's least.
FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9)
_SAMPLES, _SWEEPS = 4, 4
# Fractions of what the search finds that count beside what is safe.
TRUST = (0.25, 0.5, 0.75, 1.0)
_LEAST_GAIN = 1e-4
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredLists:
    """Lists to rank, one a user and domain.

    Attributes:
        scores: (lists, sources, candidates) float32, standardised; 0 where a list has fewer candidates.
        is_candidate: (lists, candidates).
        is_truth: (lists, candidates).
        sizes: (lists,) items of the truth.
        k: items of a list that count.
    """

    scores: Vectors
    is_candidate: NDArray[np.bool_]
    is_truth: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    k: int

    def total(self, weights: Weights) -> Vectors:
        """Return the weighted sum of some weights (sources,): (lists, candidates) float32."""
        total = np.zeros(self.is_truth.shape, np.float32)
        for source in np.flatnonzero(weights):
            total += np.float32(weights[source]) * self.scores[:, source]
        return total

    def values(self, total: Vectors) -> NDArray[np.float64]:
        """Return recall + NDCG of each list by the scores of its candidates."""
        left, lists = np.where(self.is_candidate, total, LOWEST), np.arange(len(total))
        hits = np.zeros((len(total), self.k), np.bool_)
        # Five times as fast as the ranker's way, which is made for whole catalogues; equal scores go by candidate, too.
        for place in range(self.k):
            best = left.argmax(axis=1)
            hits[:, place] = self.is_truth[lists, best] & (left[lists, best] > LOWEST)
            left[lists, best] = LOWEST
        return np.asarray(recall(hits, self.sizes) + ndcg(hits, self.sizes))


def best_weights(lists: ScoredLists, default: Weights, least: Weights, seed: int) -> Weights:
    """Return the weights of each source: (sources,), at least 0, which add up to 1.

    What a search finds counts as far as it is better than the best of the default weights and the single sources, on
    lists that were in no sample of that search: of few lists, or of sources that say nothing, it finds what suits these
    lists alone.

    Args:
        lists: to rank.
        default: (sources,) from which one search starts; the other starts from the best source alone.
        least: (sources,) what a source weighs at least.
        seed: of the samples.
    """
    plain = [_raised(each, least) for each in (default, *np.eye(len(default)))]
    values = np.array([lists.values(lists.total(each)) for each in plain])
    everything = np.full(len(lists.sizes), 1 / len(lists.sizes))
    safe = plain[(values @ everything).argmax()]
    single = plain[1 + (values[1:] @ everything).argmax()]
    of_all = _search(lists, everything, [default, single], least)
    generator = np.random.default_rng(seed)
    samples = [generator.multinomial(len(everything), everything) / len(everything) for _ in range(_SAMPLES)]
    safe_of_samples = [plain[(values @ each).argmax()] for each in samples]
    # Not from what all lists found, which has seen those that are to judge.
    of_samples = [
        _search(lists, each, [default, start], least) for each, start in zip(samples, safe_of_samples, strict=True)
    ]
    trust = _trust(lists, samples, of_samples, safe_of_samples)
    mean = trust * (of_all + np.mean(of_samples, axis=0)) / 2 + (1 - trust) * safe
    return np.asarray(mean / mean.sum())


def _trust(
    lists: ScoredLists, samples: Sequence[NDArray[np.float64]], found: Sequence[Weights], safe: Sequence[Weights]
) -> float:
    """Return which of `TRUST` times the found weights, the rest safe ones, ranks best what is not in the samples."""
    is_out = np.array(samples) == 0
    judges = is_out.any(axis=0)
    if np.count_nonzero(judges) < 2:
        return 0.0
    best, best_gain = 0.0, 0.0
    before = [lists.values(lists.total(each)) for each in safe]
    for trust in TRUST:
        mixed = [trust * one + (1 - trust) * other for one, other in zip(found, safe, strict=True)]
        differences = [lists.values(lists.total(each)) - value for each, value in zip(mixed, before, strict=True)]
        gains = (np.array(differences) * is_out).sum(axis=0)[judges] / is_out.sum(axis=0)[judges]
        if gains.mean() > best_gain:
            best, best_gain = trust, float(gains.mean())
    return best


def _raised(weights: Weights, least: Weights) -> Weights:
    """Share out what the least weights leave in the proportions of what is above them."""
    free = np.maximum(weights / weights.sum() - least, 0)
    return np.asarray(least + (1 - least.sum()) * free / free.sum())


def _search(lists: ScoredLists, of_lists: NDArray[np.float64], starts: Sequence[Weights], least: Weights) -> Weights:
    """Return the best of the weights that the searches from all starts find; `of_lists` weighs the lists."""
    found = [_descend(lists, of_lists, start, least) for start in starts]
    return max(found, key=lambda each: each[0])[1]


def _descend(
    lists: ScoredLists, of_lists: NDArray[np.float64], start: Weights, least: Weights
) -> tuple[float, Weights]:
    """Return value and weights; searched is how what the least weights leave is shared out."""
    left, floor = 1 - least.sum(), lists.total(least)
    free = (_raised(start, least) - least) / left
    best = float(lists.values(lists.total(least + left * free)) @ of_lists)
    for _ in range(_SWEEPS):
        before = best
        for source in range(len(free)):
            others = free.copy()
            others[source] = 0
            rest = others.sum()
            if rest <= 0:
                continue
            of_others, own = lists.total(others), lists.scores[:, source]
            for fraction in FRACTIONS:
                weight, whole = rest * fraction / (1 - fraction), rest / (1 - fraction)
                total = of_others + np.float32(weight) * own + np.float32(whole / left) * floor
                value = float(lists.values(total) @ of_lists)
                if value > best + _LEAST_GAIN:
                    best, free = value, others.copy()
                    free[source] = weight
            free = free / free.sum()
        if best - before < _LEAST_GAIN:
            break
    return best, least + left * free
