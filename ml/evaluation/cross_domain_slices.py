"""Slices across domains: does a user's history in one domain predict what they consume in one new to them?

Pure; used by the evaluation beside the slices of `ml.evaluation.holdout_slices`.
"""

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.evaluation.holdout_slices import HoldoutSlice, cut_slice

# A catalogue of a hundred domains has ten thousand pairs; those with the most users say most.
MAX_PAIRS = 100


def cross_domain_slices(
    train: sparse.csr_matrix,
    holdout: sparse.csr_matrix,
    item_domains: NDArray[np.object_],
    is_available: NDArray[np.bool_],
    seed: int,
) -> list[HoldoutSlice]:
    """Cut one slice `cross:<source>-><target>` for each pair of domains that has users, at most `MAX_PAIRS`.

    Its users have training items in the source and none in the target; their truth and the candidates (the available
    items and those of the truth) lie in the target. A user with several source domains counts in each of their pairs.

    Args:
        train: (users, items) CSR of the training pairs.
        holdout: (users, items) CSR of the truth.
        item_domains: (items,) text.
        is_available: (items,) whether the item may be recommended.
        seed: as in `holdout_slices`.
    """
    names, codes = np.unique(item_domains.astype(str), return_inverse=True)
    members = sparse.csr_matrix(
        (np.ones(len(codes), np.float32), (np.arange(len(codes)), codes)), shape=(len(codes), len(names))
    )
    trained, held_out = ((pairs.sign() @ members).toarray() > 0 for pairs in (train, holdout))
    is_evaluated = held_out & ~trained
    counts = {
        (source, target): int((trained[:, source] & is_evaluated[:, target]).sum())
        for source, target in permutations(range(len(names)), 2)
    }
    largest = sorted((pair for pair, users in counts.items() if users), key=lambda pair: (-counts[pair], pair))
    is_candidate = is_available | (holdout.getnnz(axis=0) > 0)
    slices = []
    for source, target in sorted(largest[:MAX_PAIRS]):
        users, in_target = trained[:, source] & is_evaluated[:, target], codes == target
        name = f"cross:{names[source]}->{names[target]}"
        slices.append(cut_slice(name, holdout, users, in_target, is_candidate & in_target, seed))
    return slices
