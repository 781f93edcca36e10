"""The weights that rank a run's cold items: those with the best recall of the cold items that it holds out.

What is best differs by catalogue (docs/decisions/blend.md). Chosen by evaluate_model, which writes `cold_items.json`;
fit_model reads it. Depends on nothing but the run's own features and settings.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.evaluate import recalls_at_k
from ml.evaluation.holdout_slices import HoldoutSlice, sampled
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.slice_lists import Evaluated
from ml.models.candidate import Candidate
from ml.models.content import Content
from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import FIXED, Settings

REGRESSION_WEIGHTS = (0.0, 0.5, 1.0)
BLEND_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4)
# Of fewer users an interval says little: docs/experiments/cold-items.md. Of more a sample is evaluated.
MIN_USERS, MAX_USERS = 50, 2_000
CONFIDENCE = 0.95
# Keys of `cold_items.json`, which earlier versions wrote too, by field of `ColdItemWeights`.
_KEYS = {"regression_weight": "regression_share", "blend_weight": "share", "reason": "reason"}


@dataclass(frozen=True)
class ColdItemWeights:
    """Values of the settings `cold_item_regression_share` and `cold_item_share`, and why these.

    Attributes:
        regression_weight: of the regression in the embedding.
        blend_weight: of the item-item weights in the score.
        reason: in words.
    """

    regression_weight: float
    blend_weight: float
    reason: str

    def in_settings(self, settings: Settings) -> Settings:
        """Return the settings with these weights, fixed."""
        chosen = {"cold_item_share": self.blend_weight, "cold_item_regression_share": self.regression_weight}
        return settings.model_copy(update={**chosen, "cold_item_choice": FIXED})

    def summary(self) -> str:
        """The weights in one line."""
        weights = f"regression weight {self.regression_weight:g}, blend weight {self.blend_weight:g}"
        return f"cold items: {weights}, {self.reason}"


def choose(candidate: Candidate, cold_slice: HoldoutSlice) -> ColdItemWeights:
    """Choose the weights with the best recall@k on the slice `cold_item`; of equal ones those of the settings.

    The regression weight is the one with which the embeddings alone have the best recall, since indices and similar
    items go by them; with it the blend weight of the item-item weights. Both together have to be significantly better
    than those of the settings.

    Args:
        candidate: fitted on the training part; its settings' own weights stay where they are fixed, or where too few
            users have truth in the slice.
        cold_slice: the slice.
    """
    settings = candidate.settings.model_copy(update={"diversity_weight": 0.0})
    own = (settings.cold_item_regression_share, settings.cold_item_share)
    if settings.cold_item_choice == FIXED:
        return ColdItemWeights(*own, "as set")
    cold_slice = sampled(cold_slice, MAX_USERS, settings.seed)
    if len(cold_slice.users) < MIN_USERS:
        too_few = f"{len(cold_slice.users)} users have held-out cold items, {MIN_USERS} are needed to choose"
        return ColdItemWeights(*own, f"as set: {too_few}")
    truth = Evaluated.of(candidate.part.data)

    def recalls(regression_weight: float, blend_weight: float) -> NDArray[np.float64]:
        at = ColdItemWeights(regression_weight, blend_weight, "").in_settings(settings)
        return recalls_at_k(candidate.at(at).ranker(), cold_slice, truth, settings.metric_k)

    # Of equal ones the first is chosen.
    regression_weights = dict.fromkeys((own[0], *REGRESSION_WEIGHTS))
    by_embeddings = {each: recalls(each, 0.0).mean() for each in regression_weights}
    regression_weight = max(by_embeddings, key=lambda each: by_embeddings[each])
    blend_weights = (own[1], *BLEND_WEIGHTS) if Content.name in candidate.fitted else (own[1],)
    pairs = dict.fromkeys([own, *((regression_weight, blend_weight) for blend_weight in blend_weights)])
    measured = {pair: recalls(*pair) for pair in pairs}
    best = max(measured, key=lambda each: measured[each].mean())
    low, high = mean_intervals((measured[best] - measured[own])[:, None], CONFIDENCE, settings.seed)[0]
    figures = f"recall@{settings.metric_k} {measured[best].mean():.4f} of {len(cold_slice.users):,} users against"
    figures = f"{figures} {measured[own].mean():.4f} as set, difference {low:+.4f} to {high:+.4f}"
    if low > 0:
        return ColdItemWeights(*best, figures)
    return ColdItemWeights(*own, f"as set: {best[0]:g} and {best[1]:g} are not significantly better, {figures}")


def save(weights: ColdItemWeights, file: Path) -> None:
    """Write the weights of a run."""
    fields = {_KEYS[name]: value for name, value in asdict(weights).items()}
    write_text(file, json.dumps(fields, indent=2))


def load(file: Path) -> ColdItemWeights:
    """Read the weights of a run.

    Raises:
        NightjarError: the file is missing.
    """
    fields = read_evaluated(file)
    return ColdItemWeights(**{name: fields[key] for name, key in _KEYS.items()})


def read_evaluated(file: Path) -> dict[str, Any]:
    """Read what evaluate_model chose and wrote to a file.

    Raises:
        NightjarError: the file is missing.
    """
    try:
        fields: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NightjarError(
            f"{file} is missing: run the stage evaluate_model first",
            code="missing_input",
            file=file,
            stage="evaluate_model",
        ) from error
    return fields
