"""Which shares rank a night's items without events: those that find most of what it holds out of such items.

What is best differs by catalogue (docs/decisions/blend.md). Chosen by evaluate_model, which writes `cold_items.json`;
fit_model reads it. Depends on nothing but the night's own features and settings.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.evaluate import hits_of
from ml.evaluation.holdout_slices import HoldoutSlice, sampled
from ml.evaluation.metrics.recall import recall
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.models.trained_embeddings import Fit, embeddings_of
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import FIXED, Settings
from nightjar.ranking.popularity_weight import dialled_weights
from nightjar.ranking.scoring import Ranking, best_items, published_ranking

REGRESSION_SHARES = (0.0, 0.5, 1.0)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4)
# Of fewer users an interval says little: docs/experiments/cold-items.md. Of more a sample is asked.
MIN_USERS, MAX_USERS = 50, 2_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class ColdItemChoice:
    """Values of the settings `cold_item_regression_share` and `cold_item_share`, and why these.

    Attributes:
        regression_share: of the regression in the embedding.
        share: of the item-item weights in the score.
        reason: in words.
    """

    regression_share: float
    share: float
    reason: str

    def over(self, settings: Settings) -> Settings:
        """Return the settings with the choice in its place, fixed."""
        chosen = {"cold_item_share": self.share, "cold_item_regression_share": self.regression_share}
        return settings.model_copy(update={**chosen, "cold_item_choice": FIXED})

    def of(self, weights: ItemWeights | None) -> ItemWeights | None:
        """Return the weights with the share."""
        return weights and replace(weights, cold_share=self.share)

    def says(self) -> str:
        """The choice in words."""
        return f"items without events: regression share {self.regression_share:g}, share {self.share:g}, {self.reason}"


def choose(
    fit: Fit, question: HoldoutSlice, popularity: Ranking, settings: Settings, weights: ItemWeights | None
) -> ColdItemChoice:
    """Choose the shares with the best recall@k on the slice `cold_item`; of equal ones the settings' own.

    The regression share is the one with which the embeddings alone find most, since indices and similar items go by
    them; with it the share of the item-item weights. Both together have to be surely ahead of the settings' own.

    Args:
        fit: on the training part.
        question: the slice.
        popularity: what users unknown to the model get.
        settings: where they say so, or where too few users have truth in the slice, their own shares are it.
        weights: item-item weights of the training part; None: there is no share to choose.
    """
    own = (settings.cold_item_regression_share, settings.cold_item_share)
    if settings.cold_item_choice == FIXED:
        return ColdItemChoice(*own, "as set")
    question, train = sampled(question, MAX_USERS, settings.seed), fit.pairs
    if len(question.users) < MIN_USERS:
        too_few = f"{len(question.users)} users took some of those held out, {MIN_USERS} are needed to choose"
        return ColdItemChoice(*own, f"as set: {too_few}")
    weights = dialled_weights(weights, train, settings.popularity_weight)

    def embedded(regression_share: float) -> Embeddings:
        tried = settings.model_copy(update={"cold_item_regression_share": regression_share})
        return embeddings_of(fit, tried)

    def recalls(embeddings: Embeddings, share: float) -> NDArray[np.float64]:
        of_share = weights and replace(weights, cold_share=share)
        ranking = published_ranking(embeddings, popularity, of_share, train)
        lists = best_items(ranking, question.users, question.is_candidate, train, settings.metric_k)
        return recall(hits_of(lists, question.truth), question.truth.getnnz(axis=1))

    # Of equal ones the first is taken.
    models = {each: embedded(each) for each in dict.fromkeys((own[0], *REGRESSION_SHARES))}
    alone = {each: recalls(model, 0.0).mean() for each, model in models.items()}
    regression_share = max(alone, key=lambda each: alone[each])
    shares = (own[1], *SHARES) if weights else (own[1],)
    pairs = dict.fromkeys([own, *((regression_share, share) for share in shares)])
    found = {pair: recalls(models[pair[0]], pair[1]) for pair in pairs}
    best = max(found, key=lambda each: found[each].mean())
    low, high = mean_intervals((found[best] - found[own])[:, None], CONFIDENCE, settings.seed)[0]
    said = f"recall@{settings.metric_k} {found[best].mean():.4f} of {len(question.users):,} users against"
    said = f"{said} {found[own].mean():.4f} as set, lead {low:+.4f} to {high:+.4f}"
    if low > 0:
        return ColdItemChoice(*best, said)
    return ColdItemChoice(*own, f"as set: {best[0]:g} and {best[1]:g} are not surely ahead, {said}")


def save(choice: ColdItemChoice, file: Path) -> None:
    """Write the choice of a run."""
    write_text(file, json.dumps(asdict(choice), indent=2))


def load(file: Path) -> ColdItemChoice:
    """Read the choice of a run.

    Raises:
        NightjarError: it is missing.
    """
    try:
        return ColdItemChoice(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise NightjarError(
            f"{file} is missing: run the stage evaluate_model first",
            code="missing_input",
            file=file,
            stage="evaluate_model",
        ) from error
