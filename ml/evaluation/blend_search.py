"""Searches the weights of sources whose weighted sum ranks some lists best.

Pure; used by `ml.evaluation.blend_weights`. The weights that make the truth likeliest, then a coordinate search by
recall + NDCG from there; both repeated on samples of the lists, since the mean of their weights depends less on single
users than the best weights do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.recall import recall
from nightjar.contract.artifacts.embeddings import Vectors
from nightjar.ranking.best_columns import LOWEST

# Fractions that a source is tried with, of the weight that is not any source's least.
FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9)
_SAMPLES, _SWEEPS = 4, 4
# Of more lists with a candidate of the truth a sample is searched.
MAX_JUDGES = 4_000
_LEAST_GAIN = 1e-4
_LIKELIHOOD_STEPS = 60
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

    def where(self, rows: NDArray[np.int64]) -> "ScoredLists":
        """Return some of the lists: (kept,) rows."""
        return ScoredLists(self.scores[rows], self.is_candidate[rows], self.is_truth[rows], self.sizes[rows], self.k)

    def total(self, weights: Weights) -> Vectors:
        """Return the sum by (sources,) weights: (lists, candidates) float32."""
        total = np.zeros(self.is_truth.shape, np.float32)
        for source in np.flatnonzero(weights):
            total += np.float32(weights[source]) * self.scores[:, source]
        return total

    def values(self, total: Vectors) -> NDArray[np.float64]:
        """Return recall + NDCG of each list by the scores of its candidates."""
        return self.values_of_left(np.where(self.is_candidate, total, LOWEST))

    def values_of_left(self, left: Vectors) -> NDArray[np.float64]:
        """Return the same, where candidates alone score above `LOWEST`; the scores are overwritten."""
        flat, is_truth = left.reshape(-1), self.is_truth.reshape(-1)
        starts = np.arange(len(left)) * left.shape[1]
        hits = np.zeros((len(left), self.k), np.bool_)
        # Five times as fast as the ranker's way, which is made for whole catalogues; equal scores go by candidate, too.
        for place in range(self.k):
            best = left.argmax(axis=1) + starts
            hits[:, place] = is_truth[best] & (flat[best] > LOWEST)
            flat[best] = LOWEST
        return np.asarray(recall(hits, self.sizes) + ndcg(hits, self.sizes))


def best_weights(lists: ScoredLists, default: Weights, least: Weights, seed: int) -> Weights:
    """Return the weights of each source: (sources,), at least 0, which add up to 1.

    What a search from the likeliest weights finds, for all lists and for samples of them. Where the mean of that is not
    better than the default weights or a source alone, the best of these: of few lists, or of sources that say nothing,
    a search finds what suits these lists alone.

    Args:
        lists: to rank, one with a candidate of the truth at least; those without have the same value by any weights.
        default: (sources,) weights.
        least: (sources,) what a source weighs at least.
        seed: of the samples.
    """
    count = len(lists.sizes)
    everything = np.full(count, 1 / count)
    generator = np.random.default_rng(seed)
    samples = np.array([everything, *(generator.multinomial(count, everything) / count for _ in range(_SAMPLES))])
    judges = np.flatnonzero(lists.is_truth.any(axis=1))
    if len(judges) > MAX_JUDGES:
        judges = np.sort(generator.choice(judges, MAX_JUDGES, replace=False))
    lists, samples = lists.where(judges), samples[:, judges]
    found = np.array([_found_by(lists, each, default, least) for each in samples])
    mean = (found[0] + found[1:].mean(axis=0)) / 2
    plain = [_raised(each, least) for each in (default, *np.eye(len(default)))]
    # Of equal ones the first: the found weights only where they are better.
    best = max([*plain, mean], key=lambda each: float(lists.values(lists.total(each)).mean()))
    return np.asarray(best / best.sum())


def _found_by(lists: ScoredLists, of_lists: NDArray[np.float64], default: Weights, least: Weights) -> Weights:
    # A sample has nearly two thirds of the lists.
    rows = np.flatnonzero(of_lists)
    if len(rows) == 0:
        rows = np.arange(len(of_lists))
    lists, of_lists = lists.where(rows), of_lists[rows]
    return _descend(lists, of_lists, likeliest_weights(lists, of_lists, default, least), least)


def likeliest_weights(lists: ScoredLists, of_lists: NDArray[np.float64], default: Weights, least: Weights) -> Weights:
    """Return the weights, (sources,), by which the truth is likeliest where candidates are drawn by exp(total).

    The one highest point of a concave function, so that few lists move it less than a metric that counts hits.

    Args:
        lists: to rank.
        of_lists: (lists,) what each counts.
        default: (sources,) from which it begins; they stay where no list has a candidate of the truth.
        least: (sources,) what a source weighs at least.
    """
    hits = lists.is_truth.sum(axis=1)
    counted = np.where(hits > 0, of_lists, 0)
    counted /= counted.sum() or 1.0
    of_truth = (lists.is_truth / np.maximum(hits, 1)[:, None]).astype(np.float32)

    def loss_and_slope(weights: Weights) -> tuple[float, Weights]:
        total = np.where(lists.is_candidate, lists.total(weights), LOWEST)
        above = np.exp(total - total.max(axis=1, keepdims=True))
        chances = above / above.sum(axis=1, keepdims=True)
        of_list = (of_truth * np.log(np.maximum(chances, np.finfo(np.float32).tiny))).sum(axis=1)
        slopes = np.matmul(lists.scores, (chances - of_truth)[:, :, None])[:, :, 0]
        return -float(counted @ of_list), counted @ slopes

    bounds, options = [(0, None)] * len(default), {"maxiter": _LIKELIHOOD_STEPS}
    found = minimize(loss_and_slope, default, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return _raised(found if found.sum() > 0 else default, least)


def _raised(weights: Weights, least: Weights) -> Weights:
    """Share out what the least weights leave in the proportions of what is above them."""
    free = np.maximum(weights / weights.sum() - least, 0)
    return np.asarray(least + (1 - least.sum()) * free / free.sum())


def _descend(lists: ScoredLists, of_lists: NDArray[np.float64], start: Weights, least: Weights) -> Weights:
    """Return the weights that a coordinate search ends at; it searches how what the least weights leave is shared."""
    left, floor = 1 - least.sum(), lists.total(least)
    floor /= np.float32(left)
    free = (_raised(start, least) - least) / left
    best = float(lists.values(lists.total(least + left * free)) @ of_lists)
    total = np.empty_like(floor)
    for _ in range(_SWEEPS):
        before = best
        for source in range(len(free)):
            others = free.copy()
            others[source] = 0
            rest = others.sum()
            if rest <= 0:
                continue
            # Where the source weighs nothing, and what it adds when it weighs as much as all others; both with the
            # least weights, and nothing but candidates.
            without = np.where(lists.is_candidate, lists.total(others) + np.float32(rest) * floor, LOWEST)
            added = np.float32(rest) * (lists.scores[:, source] + floor)
            for fraction in FRACTIONS:
                of_others = fraction / (1 - fraction)
                np.multiply(added, np.float32(of_others), out=total)
                total += without
                value = float(lists.values_of_left(total) @ of_lists)
                if value > best + _LEAST_GAIN:
                    best, free = value, others.copy()
                    free[source] = rest * of_others
            free = free / free.sum()
        if best - before < _LEAST_GAIN:
            break
    return np.asarray(least + left * free)
