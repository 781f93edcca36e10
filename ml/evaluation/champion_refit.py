"""Meets the champion again: how its model was made, and the ranking of its recipe on tonight's training part.

Used by the stage evaluate_model. The champion's published model itself would be no fair opponent: it was fitted on most
of what tonight's holdout asks for.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import ValidationError
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.evaluation import cold_item_weights, recorded_configuration
from ml.evaluation.champion import Champion
from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.results import Opponent
from ml.models.cooccurrence import item_weights_of
from ml.models.lightfm import Epoch, fit
from ml.models.trained_embeddings import Fit, embeddings_of
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from nightjar.ranking.fold_in import fold_in, newest_weights
from nightjar.ranking.popularity_weight import dialled_weights
from nightjar.ranking.scoring import Ranking, published_ranking

UNRECORDED = "MLflow no longer has the run of its training"


def ranking_of(
    fit: Fit,
    popularity: Ranking,
    settings: Settings,
    weights: ItemWeights | None,
    *,
    recency: sparse.csr_matrix | None = None,
) -> Ranking:
    """Rank as a publication of this fit, and of item-item weights of the same pairs, would.

    Who has entries in `recency` (1: the newest item, 2: the one before, ...) is folded in first.
    """
    embeddings = embeddings_of(fit, settings)
    weights = dialled_weights(weights, fit.pairs, settings.popularity_weight)
    history = fit.pairs
    if recency is not None:
        embeddings = fold_in(embeddings, recency, settings.fold_in_items)
        history = history + newest_weights(recency, settings.fold_in_items)
    return published_ranking(embeddings, popularity, weights, history, settings.diversity_weight)


def meet(
    data_of: Callable[[Settings], TrainingData],
    popularity: Ranking,
    settings: Settings,
    champion: Champion,
    recorded: Mapping[str, str] | None,
    cold_items: HoldoutSlice,
    on_epoch: Callable[[Epoch], None],
) -> tuple[Opponent, Ranking | None]:
    """Return the champion as an opponent, with the ranking of its recipe where that is another than tonight's.

    Args:
        data_of: tonight's features, with those of texts as some settings ask for them.
        popularity: what users unknown to a model get.
        settings: tonight's.
        champion: the publication to meet.
        recorded: settings of its training by name; None where nothing keeps them any more.
        cold_items: the slice by which its recipe chooses how to rank items without events.
        on_epoch: called after each epoch of a second fit.
    """
    if recorded is None:
        return Opponent(champion, obstacle=UNRECORDED), None
    opponent = Opponent(
        champion,
        other_recipe=recorded_configuration.differences(settings, recorded, "model"),
        other_features=recorded_configuration.differences(settings, recorded, "features"),
        other_protocol=recorded_configuration.differences(settings, recorded, "protocol"),
    )
    unknown = recorded_configuration.unrecorded(settings, recorded)
    if unknown:
        return replace(opponent, obstacle=f"it was made by code without {', '.join(unknown)}"), None
    if not opponent.other_recipe:
        return opponent, None
    try:
        theirs = recorded_configuration.with_recorded_model(settings, recorded)
        data = data_of(theirs)
        users, items = fit(data.train, data.user_features, data.item_features, theirs, on_epoch)
        found = Fit(data, data.train, users, items, theirs.cold_item_lambda)
        weights = item_weights_of(data, data.train, theirs)
        # By the same rule on the same holdout: a choice that only one of both may make would tell for it.
        choice = cold_item_weights.choose(found, cold_items, popularity, theirs, weights)
        return opponent, ranking_of(found, popularity, choice.over(theirs), choice.of(weights))
    except (NightjarError, ValidationError) as error:
        # A recipe that fails on tonight's data must not keep another one from taking its place.
        return replace(opponent, obstacle=str(error)), None
