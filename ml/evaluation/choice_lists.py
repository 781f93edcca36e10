"""The lists of the choice windows: whose they are, and what each source scores their best candidates.

Pure; used by `ml.evaluation.blend_weights`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.evaluation.blend_search import ScoredLists
from ml.models.candidate import Candidate
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, Vectors
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS
from nightjar.ranking.best_columns import best_columns
from nightjar.ranking.catalogue import Catalogue
from nightjar.ranking.ranker import Ranker

# Of more lists a sample is scored; on sparse data a third of them has a candidate of the truth.
MAX_LISTS = 8_000
# Of each source the best items of a list: what none of them ranks high, no sum of them does.
_CANDIDATES = 60


@dataclass(frozen=True)
class ListRows:
    """Users and domains of some lists, one a row, by user.

    Attributes:
        users: (rows,) indices, ascending.
        domains: (rows,) positions in the catalogue's domains.
    """

    users: NDArray[np.int64]
    domains: NDArray[np.int64]


@dataclass(frozen=True)
class ScoredList:
    """One list: (sources, candidates) scores, (candidates,) whether each is truth, and the size of the truth."""

    scores: Vectors
    is_truth: NDArray[np.bool_]
    size: int


def rows_by_users(data: TrainingData, catalogue: Catalogue, seed: int) -> dict[str, ListRows]:
    """Return the lists that judge for each of `USERS`, at most `MAX_LISTS`.

    Args:
        data: with the holdout that judges.
        catalogue: of a model that was fitted on their training part.
        seed: chooses the sample where there are more.
    """
    is_warm = sparse.diags((data.train.getnnz(axis=0) > 0).astype(np.float32))
    truth = _has_items(data.holdout @ is_warm, catalogue)
    own = _has_items(data.train.sign(), catalogue)
    has_items = (data.train.getnnz(axis=1) > 0)[:, None]
    is_trained, has_features = ((catalogue.user_sources == each)[:, None] for each in (TRAINED, FEATURES_ONLY))
    chosen = {
        IN_DOMAIN: truth & own & is_trained,
        NEW_TO_DOMAIN: truth & ~own & has_items & is_trained,
        WITHOUT_ITEMS: truth & ~has_items & has_features,
    }
    return {users: _sampled(is_chosen, seed) for users, is_chosen in chosen.items()}


def scored_lists(ranker: Ranker, candidate: Candidate, rows: ListRows) -> list[ScoredList]:
    """Return the lists that have a truth which may be recommended, in the order of the rows.

    Args:
        ranker: scores by the sources that are to be weighed.
        candidate: fitted on the training part of its data.
        rows: of the lists.
    """
    data = candidate.part.data
    is_warm = data.train.getnnz(axis=0) > 0
    users, starts = np.unique(rows.users, return_index=True)
    ends = np.append(starts[1:], len(rows.users))
    lists: dict[int, ScoredList] = {}
    for positions, of_sources in ranker.source_scores(users):
        scores = np.stack(of_sources, axis=1)
        left_out = data.left_out[users[positions]].toarray() > 0
        truth = data.holdout[users[positions]].toarray() > 0
        for place, position in enumerate(positions):
            for row in range(starts[position], ends[position]):
                items = ranker.catalogue.domains[rows.domains[row]].candidates
                items = items[~left_out[place, items]]
                best, _ = best_columns(scores[place][:, items], _CANDIDATES)
                columns = np.unique(best[best >= 0])
                is_truth = truth[place, items] & is_warm[items]
                # All of it may have been seen before, without being liked then.
                if is_truth.any():
                    lists[row] = ScoredList(scores[place][:, items[columns]], is_truth[columns], int(is_truth.sum()))
    return [lists[row] for row in sorted(lists)]


def side_by_side(lists: Sequence[ScoredList], k: int) -> ScoredLists:
    """Return some lists, one at least, in arrays as wide as the longest; of each the first k items count."""
    width, sources = max(len(each.is_truth) for each in lists), len(lists[0].scores)
    filled = ScoredLists(
        np.zeros((len(lists), sources, width), np.float32),
        np.zeros((len(lists), width), np.bool_),
        np.zeros((len(lists), width), np.bool_),
        np.array([each.size for each in lists], np.int64),
        k,
    )
    for row, each in enumerate(lists):
        candidates = len(each.is_truth)
        filled.scores[row, :, :candidates] = each.scores
        filled.is_candidate[row, :candidates] = True
        filled.is_truth[row, :candidates] = each.is_truth
    return filled


def _has_items(pairs: sparse.csr_matrix, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Return whether users have a pair with an item of each domain: (users, domains)."""
    items = len(catalogue.item_domains)
    # Column 0 is of items whose domain has no lists.
    entries = (np.ones(items, np.float32), (np.arange(items), catalogue.item_domains + 1))
    members = sparse.csr_matrix(entries, shape=(items, len(catalogue.domains) + 1))
    has_items: NDArray[np.bool_] = (pairs @ members).toarray()[:, 1:] > 0
    return has_items


def _sampled(is_chosen: NDArray[np.bool_], seed: int) -> ListRows:
    users, domains = np.nonzero(is_chosen)
    if len(users) > MAX_LISTS:
        kept = np.sort(np.random.default_rng(seed).choice(len(users), MAX_LISTS, replace=False))
        users, domains = users[kept], domains[kept]
    return ListRows(users, domains)
