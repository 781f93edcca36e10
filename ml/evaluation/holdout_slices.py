"""The slices of the holdout on which every model is judged: all, warm, cold_user, cold_item.

Pure; used by the evaluation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SLICES = ("all", "warm", "cold_user", "cold_item")
FOLD_IN = "fold_in"
# Beyond this the mean moves by less than the third digit, and exact AUC would take minutes.
MAX_USERS = 20_000


@dataclass(frozen=True)
class HoldoutSlice:
    """One question to ask a model.

    Attributes:
        name: one of `SLICES`, `fold_in`, or `cross:<source domain>-><target domain>`.
        users: (rows,) user indices, ascending, each with some truth.
        truth: (rows, items) CSR of ones, the truth of these users.
        is_candidate: (items,) the items that compete; the users' training items are left out besides.
    """

    name: str
    users: NDArray[np.int64]
    truth: sparse.csr_matrix
    is_candidate: NDArray[np.bool_]


def holdout_slices(
    train: sparse.csr_matrix, holdout: sparse.csr_matrix, is_available: NDArray[np.bool_], seed: int
) -> list[HoldoutSlice]:
    """Cut the holdout into its slices.

    all: every user with truth. warm: users with training items, truth among items with training users.
    cold_user: users without training items. cold_item: users with training items, truth among items without training
    users, which compete only with each other: among all items a new one stands too deep for a list of k to tell.
    Candidates are the available items and those of the truth (taken since, so they could be had then).

    Args:
        train: (users, items) CSR of the training pairs.
        holdout: (users, items) CSR of the truth.
        is_available: (items,) whether the item may be recommended.
        seed: chooses the users that stand for all where there are more than `MAX_USERS`.
    """
    user_is_warm, item_is_warm = train.getnnz(axis=1) > 0, train.getnnz(axis=0) > 0
    is_candidate = is_available | (holdout.getnnz(axis=0) > 0)
    everybody, everything = np.ones_like(user_is_warm), np.ones_like(item_is_warm)
    cuts = {
        "all": (everybody, everything, is_candidate),
        "warm": (user_is_warm, item_is_warm, is_candidate),
        "cold_user": (~user_is_warm, everything, is_candidate),
        "cold_item": (user_is_warm, ~item_is_warm, is_candidate & ~item_is_warm),
    }
    return [cut(name, holdout, users, items, candidates, seed) for name, (users, items, candidates) in cuts.items()]


def named(slices: Sequence[HoldoutSlice], name: str) -> HoldoutSlice:
    """The slice of that name."""
    return next(each for each in slices if each.name == name)


def fold_in_slice(
    shown: sparse.csr_matrix,
    holdout: sparse.csr_matrix,
    is_available: NDArray[np.bool_],
    seed: int,
    repeated: sparse.csr_matrix | None = None,
) -> HoldoutSlice:
    """Cut slice `fold_in`: the users out of train of whom some items are shown; their truth is the rest.

    Args:
        shown: (users, items) CSR, not 0 where an item is shown.
        holdout: (users, items) CSR of the truth, that of the shown items with it.
        is_available: (items,) whether the item may be recommended.
        seed: as in `holdout_slices`.
        repeated: (users, items) CSR of ones, pairs that are truth although they may be shown; None: there are none.
    """
    of_shown = shown.sign() if repeated is None else shown.sign() - shown.sign().multiply(repeated)
    rest = (holdout - holdout.multiply(of_shown)).tocsr()
    is_candidate = is_available | (holdout.getnnz(axis=0) > 0)
    return cut(FOLD_IN, rest, shown.getnnz(axis=1) > 0, np.ones_like(is_available), is_candidate, seed)


def sampled(question: HoldoutSlice, count: int, seed: int) -> HoldoutSlice:
    """The slice itself, or `count` of its users, the same ones every time."""
    if len(question.users) <= count:
        return question
    rows = np.sort(np.random.default_rng(seed).choice(len(question.users), count, replace=False))
    return replace(question, users=question.users[rows], truth=question.truth[rows])


def cut(
    name: str,
    holdout: sparse.csr_matrix,
    user_counts: NDArray[np.bool_],
    item_counts: NDArray[np.bool_],
    is_candidate: NDArray[np.bool_],
    seed: int,
) -> HoldoutSlice:
    """Keep the truth of some users among some items; see `HoldoutSlice`."""
    truth = (holdout @ sparse.diags(item_counts.astype(np.float32), format="csr")).tocsr()
    truth.eliminate_zeros()
    truth.sort_indices()
    users = np.flatnonzero(user_counts & (truth.getnnz(axis=1) > 0))
    return sampled(HoldoutSlice(name, users, truth[users], is_candidate), MAX_USERS, seed)
