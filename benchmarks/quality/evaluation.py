"""The one metric code that evaluates every model's recommendations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.events import Events
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.recall import recall
from ml.evaluation.slice_lists import exposure_counts, hits_of
from nightjar.ranking.best_columns import LOWEST, best_columns

K = 10
Scorer = Callable[[NDArray[np.int64]], NDArray[np.float32]]
_ROWS = 256


@dataclass(frozen=True)
class HeldOut:
    """The users to recommend to, and their truth.

    Attributes:
        users: (rows,) users with events in the training part and in the held-out part.
        truth: (rows, items) CSR of ones.
        seen: (users, items) CSR of the training part, which is not recommended.
    """

    users: NDArray[np.int64]
    truth: sparse.csr_matrix
    seen: sparse.csr_matrix


def held_out_of(train: Events, test: Events) -> HeldOut:
    """Return the held-out events of every user who has training events."""
    seen, truth = train.matrix(), test.matrix()
    users = np.flatnonzero((seen.getnnz(axis=1) > 0) & (truth.getnnz(axis=1) > 0))
    return HeldOut(users, truth[users], seen)


def recommend(scores: Scorer, held_out: HeldOut) -> NDArray[np.int64]:
    """Return the K best unseen items of each user: (rows, K), best first, equal scores by item."""
    blocks = [np.empty((0, K), np.int64)]
    for start in range(0, len(held_out.users), _ROWS):
        rows = held_out.users[start : start + _ROWS]
        scored = np.array(scores(rows), np.float32)
        scored[held_out.seen[rows].nonzero()] = LOWEST
        blocks.append(best_columns(scored, K)[0])
    return np.concatenate(blocks)


def evaluate_recommendations(recommended: NDArray[np.int64], held_out: HeldOut) -> dict[str, Any]:
    """Mean recall@10, NDCG@10, the fraction of all items that are recommended to anyone, and both metrics by user."""
    hits, sizes = hits_of(recommended, held_out.truth), held_out.truth.getnnz(axis=1)
    # One list a user, whatever the domains of its items.
    exposures = exposure_counts({"all": recommended}, np.ones(held_out.truth.shape[1], np.bool_))
    of_users = {"recall": recall(hits, sizes), "ndcg": ndcg(hits, sizes)}
    return {
        **{metric: float(values.mean()) for metric, values in of_users.items()},
        "coverage": coverage(exposures),
        "users": len(held_out.users),
        "by_user": {metric: values.tolist() for metric, values in of_users.items()},
    }
