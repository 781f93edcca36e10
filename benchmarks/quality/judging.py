"""The one metric code that judges every model's lists."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.events import Events
from ml.evaluation.evaluate import exposure_counts, hits_of
from ml.evaluation.metrics.coverage import coverage
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.recall import recall
from nightjar.ranking.blend import LOWEST, best_columns

K = 10
Scorer = Callable[[NDArray[np.int64]], NDArray[np.float32]]
_ROWS = 256


@dataclass(frozen=True)
class Question:
    """Whom to recommend to, and what they took then.

    Attributes:
        users: (rows,) users with events in the training part and in the held out part.
        truth: (rows, items) CSR of ones.
        seen: (users, items) CSR of the training part; no list holds it.
    """

    users: NDArray[np.int64]
    truth: sparse.csr_matrix
    seen: sparse.csr_matrix


def question(train: Events, test: Events) -> Question:
    """Ask for the held out events of every user who has training events."""
    seen, truth = train.matrix(), test.matrix()
    users = np.flatnonzero((seen.getnnz(axis=1) > 0) & (truth.getnnz(axis=1) > 0))
    return Question(users, truth[users], seen)


def lists_of(scores: Scorer, asked: Question) -> NDArray[np.int64]:
    """List the K best unseen items of each user asked for: (rows, K), best first, equal scores by item."""
    lists = [np.empty((0, K), np.int64)]
    for start in range(0, len(asked.users), _ROWS):
        rows = asked.users[start : start + _ROWS]
        scored = np.array(scores(rows), np.float32)
        scored[asked.seen[rows].nonzero()] = LOWEST
        lists.append(best_columns(scored, K)[0])
    return np.concatenate(lists)


def judge(lists: NDArray[np.int64], asked: Question) -> dict[str, Any]:
    """Mean recall@10, NDCG@10, the share of all items that stand in some list, and both metrics of each user."""
    hits, sizes = hits_of(lists, asked.truth), asked.truth.getnnz(axis=1)
    shown = exposure_counts(lists, np.ones(asked.truth.shape[1], np.bool_))
    of_users = {"recall": recall(hits, sizes), "ndcg": ndcg(hits, sizes)}
    return {
        **{metric: float(values.mean()) for metric, values in of_users.items()},
        "coverage": coverage(shown),
        "users": len(asked.users),
        "by_user": {metric: values.tolist() for metric, values in of_users.items()},
    }
