"""The top-K lists of the users of slices, and what a user's lists are worth.

Pure; the one way in which the evaluation gets lists: from the ranker of publications.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.evaluation.holdout_slices import HoldoutSlice
from nightjar.ranking.ranker import Ranker

# (users, k) items of each domain of the catalogue, by the domain's name.
Lists = Mapping[str, NDArray[np.int64]]
ListMetric = Callable[[NDArray[np.bool_], NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Evaluated:
    """What the evaluated models were fitted on.

    Attributes:
        train: (users, items) CSR of the training pairs.
        left_out: (users, items) CSR of what may not be recommended.
        domains: (items,) text.
    """

    train: sparse.csr_matrix
    left_out: sparse.csr_matrix
    domains: NDArray[np.object_]

    @classmethod
    def of(cls, data: TrainingData) -> "Evaluated":
        """Of models that were fitted on the training part of some data."""
        return cls(data.train, data.left_out, data.item_domains)


def slice_lists(ranker: Ranker, slices: Sequence[HoldoutSlice], left_out: sparse.csr_matrix, k: int) -> list[Lists]:
    """Return the lists of the users of each slice; users of several slices with the same candidates are ranked once.

    Args:
        ranker: of a model.
        slices: users and candidates.
        left_out: (users, items) CSR of what may not be recommended.
        k: items of a list.
    """
    of_slices: list[Lists] = [{} for _ in slices]
    by_candidates: dict[bytes, list[int]] = {}
    for number, each in enumerate(slices):
        by_candidates.setdefault(each.is_candidate.tobytes(), []).append(number)
    for numbers in by_candidates.values():
        among = ranker.among(slices[numbers[0]].is_candidate)
        users = np.unique(np.concatenate([slices[number].users for number in numbers]))
        lists = among.lists(users, left_out, k)
        for number in numbers:
            rows = np.searchsorted(users, slices[number].users)
            of_slices[number] = {
                domain.name: of_domain.items[rows]
                for domain, of_domain in zip(among.catalogue.domains, lists, strict=True)
            }
    return of_slices


def list_values(
    lists: Lists, holdout_slice: HoldoutSlice, domains: NDArray[np.object_], metrics: Mapping[str, ListMetric]
) -> dict[str, NDArray[np.float64]]:
    """Return the values of each user of a slice, (users,), by metric: the mean over the domains with truth.

    Args:
        lists: of the slice's users.
        holdout_slice: the truth.
        domains: (items,) text.
        metrics: functions of the hits and the sizes of the truth.
    """
    # Without any domain, nobody has a value.
    nothing = np.full(len(holdout_slice.users), np.nan)
    of_domains = {name: [nothing] for name in metrics}
    for domain, recommended in lists.items():
        sizes = holdout_slice.truth[:, np.flatnonzero(domains == domain)].getnnz(axis=1)
        hits = hits_of(recommended, holdout_slice.truth)
        for name, measure in metrics.items():
            of_domains[name].append(measure(hits, sizes))
    return {name: nanmean_of_domains(values) for name, values in of_domains.items()}


def nanmean_of_domains(of_domains: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return each user's mean over the domains that are not nan: (users,); nan where all are."""
    values = np.stack(of_domains)
    counts = np.isfinite(values).sum(axis=0)
    means: NDArray[np.float64] = np.divide(
        np.nansum(values, axis=0), counts, out=np.full(values.shape[1], np.nan), where=counts > 0
    )
    return means


def hits_of(recommended: NDArray[np.int64], truth: sparse.csr_matrix) -> NDArray[np.bool_]:
    """Return for each recommended item, (rows, k), whether it is in the row's truth; -1 never is."""
    rows, item_count = np.arange(len(recommended), dtype=np.int64)[:, None], truth.shape[1]
    pairs = truth.tocoo()
    hits: NDArray[np.bool_] = np.isin(
        np.where(recommended >= 0, rows * item_count + recommended, -1),
        pairs.row.astype(np.int64) * item_count + pairs.col,
    )
    return hits


def exposure_counts(lists: Lists, is_candidate: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the users to whom each candidate item is recommended: (candidates,)."""
    counts = np.zeros(len(is_candidate), np.int64)
    for recommended in lists.values():
        counts += np.bincount(recommended[recommended >= 0], minlength=len(is_candidate))
    return counts[is_candidate]
