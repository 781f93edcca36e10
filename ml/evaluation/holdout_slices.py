"""The slices of the holdout on which every model is evaluated: all, warm, cold_user, cold_item.

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
    """Users of the holdout, their truth, and the items that compete.

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
    users, which compete only with each other: among all items they rank too low for a top-k list to hold any.
    Candidates are the available items and those of the truth (consumed since, so they were available then).

    Args:
        train: (users, items) CSR of the training pairs.
        holdout: (users, items) CSR of the truth.
        is_available: (items,) whether the item may be recommended.
        seed: chooses the sample of users where there are more than `MAX_USERS`.
    """
    user_is_warm, item_is_warm = train.getnnz(axis=1) > 0, train.getnnz(axis=0) > 0
    is_candidate = is_available | (holdout.getnnz(axis=0) > 0)
    all_users, all_items = np.ones_like(user_is_warm), np.ones_like(item_is_warm)
    cuts = {
        "all": (all_users, all_items, is_candidate),
        "warm": (user_is_warm, item_is_warm, is_candidate),
        "cold_user": (~user_is_warm, all_items, is_candidate),
        "cold_item": (user_is_warm, ~item_is_warm, is_candidate & ~item_is_warm),
    }
    return [
        cut_slice(name, holdout, users, items, candidates, seed) for name, (users, items, candidates) in cuts.items()
    ]


def slice_named(slices: Sequence[HoldoutSlice], name: str) -> HoldoutSlice:
    """Return the slice of that name."""
    return next(each for each in slices if each.name == name)


def fold_in_slice(
    recency: sparse.csr_matrix,
    holdout: sparse.csr_matrix,
    is_available: NDArray[np.bool_],
    seed: int,
    repeated: sparse.csr_matrix | None = None,
) -> HoldoutSlice:
    """Cut slice `fold_in`: users out of train with items to fold in; their truth is the rest.

    Args:
        recency: (users, items) CSR, not 0 where a user is folded in by an item.
        holdout: (users, items) CSR of the truth, these items included.
        is_available: (items,) whether the item may be recommended.
        seed: as in `holdout_slices`.
        repeated: (users, items) CSR of ones, truth although users may be folded in by it; None: there is none.
    """
    folded_in = recency.sign() if repeated is None else recency.sign() - recency.sign().multiply(repeated)
    rest = (holdout - holdout.multiply(folded_in)).tocsr()
    is_candidate = is_available | (holdout.getnnz(axis=0) > 0)
    return cut_slice(FOLD_IN, rest, recency.getnnz(axis=1) > 0, np.ones_like(is_available), is_candidate, seed)


def sampled(holdout_slice: HoldoutSlice, count: int, seed: int) -> HoldoutSlice:
    """Return the slice, or `count` of its users, the same ones every time."""
    if len(holdout_slice.users) <= count:
        return holdout_slice
    rows = np.sort(np.random.default_rng(seed).choice(len(holdout_slice.users), count, replace=False))
    return replace(holdout_slice, users=holdout_slice.users[rows], truth=holdout_slice.truth[rows])


def cut_slice(
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
