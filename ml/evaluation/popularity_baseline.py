"""The popularity that a model has to beat: the best of all times and of the last days.

Pure; used by the evaluation and by the search. A model that finds less than what everyone takes now must not pass.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ml.data.training_data import TrainingPart
from ml.evaluation.evaluate import recall_at_k
from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.slice_lists import Evaluated
from ml.models.candidate import popularity_ranker
from nightjar.contract.tables import EVERYONE
from nightjar.ranking.catalogue import PopularityList, PopularityLists
from nightjar.ranking.ranker import Ranker


def best_popularity(part: TrainingPart, sample: HoldoutSlice, truth: Evaluated, k: int) -> tuple[str, Ranker]:
    """Return the popularity with the best recall@k on a sample of the holdout, and what it counts.

    Args:
        part: the training part.
        sample: of the slice `all`.
        truth: what may not be recommended.
        k: items of a list.
    """
    rankers = dict(_rankers(part))
    # Of equal ones the first, by which publications fill lists up.
    best = max(rankers, key=lambda each: np.nan_to_num(recall_at_k(rankers[each], sample, truth, k)))
    return best, rankers[best].without_model()


def _rankers(part: TrainingPart) -> Iterator[tuple[str, Ranker]]:
    yield "as published", popularity_ranker(part)
    users = part.pairs.getnnz(axis=0).astype(np.float32)
    yield "of all times", popularity_ranker(part, _lists_by(users, part.popularity.lists))
    for days, scores in part.popularity.trending.items():
        yield f"half-life {days:g} days", popularity_ranker(part, _lists_by(scores, part.popularity.lists))


def _lists_by(scores: NDArray[np.float32], lists: PopularityLists) -> PopularityLists:
    """Return lists of the same items for all users, ranked by other scores: (items,); ties by index."""
    of_everyone = {domain: np.sort(of_domain[EVERYONE].items) for domain, of_domain in lists.items()}
    ranked = {domain: items[np.argsort(-scores[items], kind="stable")] for domain, items in of_everyone.items()}
    return {domain: {EVERYONE: PopularityList(items, scores[items])} for domain, items in ranked.items()}
