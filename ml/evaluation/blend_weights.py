"""The weights of a run's sources: those with the best lists on its choice window, which no gate looks at.

What is best differs by data and by what the window asks (docs/decisions/blend-weights.md). Chosen by evaluate_model,
which writes `blend_weights.json`; fit_model reads it. Depends on nothing but the run's own features and settings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ml.evaluation.blend_search import Weights, best_weights
from ml.evaluation.choice_lists import rows_by_users, scored_lists, side_by_side
from ml.evaluation.cold_item_weights import read_evaluated
from ml.models.candidate import Candidate
from ml.models.source_weights import SourceWeights
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.artifacts.sources import USERS
from nightjar.contract.atomic_files import write_text
from nightjar.ranking.ranker import Ranker

# The embeddings weigh no less: indices, similar items, cold users and cold items go by them.
LEAST_OF_EMBEDDINGS = 0.05
# So many lists choose half of the weights, the defaults the other half.
HALFWAY = 5
# Weights below add products to the scoring of every user, and nothing to their lists.
_NEGLIGIBLE = 0.01
_DECIMALS = 4


@dataclass(frozen=True)
class GroupChoice:
    """What the choice for one of `USERS` rests on.

    Attributes:
        lists: users and domains that judged.
        default: mean recall + NDCG of their lists by the default weights.
        chosen: by the chosen ones.
    """

    lists: int
    default: float
    chosen: float


@dataclass(frozen=True)
class ChosenWeights:
    """The weights that a run ranks by.

    Attributes:
        weights: None: the defaults of its models.
        choices: by users.
        reason: in words, where nothing was chosen.
    """

    weights: SourceWeights | None
    choices: Mapping[str, GroupChoice]
    reason: str

    def summary(self) -> Iterator[str]:
        """Yield the choices, a line each."""
        if self.weights is None:
            yield f"blend weights: {self.reason}"
            return
        for users, choice in self.choices.items():
            weights = sorted(self.weights.of[users].items(), key=lambda each: (-each[1], each[0]))
            listed = ", ".join(f"{name} {weight:.2f}" for name, weight in weights if weight > 0)
            yield (
                f"blend weights, {users}: {listed}; recall + NDCG {choice.chosen:.4f} of {choice.lists:,} lists, "
                f"{choice.default:.4f} by default"
            )


def choose(candidates: Sequence[Candidate]) -> ChosenWeights:
    """Choose the weights of the sources for each of `USERS` by the lists of the choice windows.

    Of a group that nobody judges, or whose truth no source ranks high, they stay the default ones.

    Args:
        candidates: of each window, fitted on what is before it, which its data hold out; the newest first. One that has
            other sources than the first judges nothing.
    """
    default, settings = candidates[0].weights, candidates[0].settings
    rankers = [_ranker_of_all(each) for each in candidates]
    names = rankers[0][1]
    windows = [
        (ranker, candidate, rows_by_users(candidate.part.data, ranker.catalogue, settings.seed))
        for (ranker, of_ranker), candidate in zip(rankers, candidates, strict=True)
        if of_ranker == names
    ]
    of, choices = {}, {}
    for users in USERS:
        weights = np.array([default.weight(users, name) for name in names])
        # More threads would change last bits.
        with threadpool_limits(1):
            of_windows = [scored_lists(ranker, candidate, rows[users]) for ranker, candidate, rows in windows]
            scored = [each for of_window in of_windows for each in of_window]
            if any(each.is_truth.any() for each in scored):
                lists = side_by_side(scored, settings.metric_k)
                is_embeddings = np.array(names) == LIGHTFM
                least = np.where(is_embeddings, LEAST_OF_EMBEDDINGS, 0.0)
                best = best_weights(lists, weights, least, settings.seed)
                # A source that says nothing, as of histories for users without items, would scale the others down.
                best = np.where(is_embeddings | lists.scores.any(axis=(0, 2)), best, 0.0)
                found = _towards(weights, best / best.sum(), len(lists.sizes))
                values = [float(lists.values(lists.total(each)).mean()) for each in (weights, found)]
                choices[users], weights = GroupChoice(len(lists.sizes), *values), found
        of[users] = dict(zip(names, weights.tolist(), strict=True))
    return ChosenWeights(SourceWeights(of), choices, "")


def _towards(default: Weights, chosen: Weights, lists: int) -> Weights:
    """Shrink chosen weights towards the default ones, the more the fewer lists chose, and round them."""
    share = lists / (lists + HALFWAY)
    weights = share * chosen + (1 - share) * default
    weights[weights < _NEGLIGIBLE] = 0
    return np.asarray(np.round(weights / weights.sum(), _DECIMALS))


def _ranker_of_all(candidate: Candidate) -> tuple[Ranker, list[str]]:
    """Return a ranker that scores by each source of warm items, and their names, the embeddings first."""
    names = [LIGHTFM, *candidate.warm_names]
    even = dict.fromkeys(names, 1 / len(names))
    return candidate.with_weights(SourceWeights(dict.fromkeys(USERS, even))).ranker(), names


def save(chosen: ChosenWeights, file: Path) -> None:
    """Write the weights of a run."""
    fields = {
        "weights": None if chosen.weights is None else chosen.weights.of,
        "choices": {users: asdict(choice) for users, choice in chosen.choices.items()},
        "reason": chosen.reason,
    }
    write_text(file, json.dumps(fields, indent=2))


def load(file: Path) -> ChosenWeights:
    """Read the weights of a run.

    Raises:
        NightjarError: the file is missing.
    """
    fields = read_evaluated(file)
    weights = None if fields["weights"] is None else SourceWeights(fields["weights"])
    choices = {users: GroupChoice(**choice) for users, choice in fields["choices"].items()}
    return ChosenWeights(weights, choices, fields["reason"])
