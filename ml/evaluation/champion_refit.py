"""Refits the champion: how its model was made, and the ranking of its configuration on this run's training part.

Used by the stage evaluate_model. The champion's published model itself is no fair comparison: it was fitted on most of
what this run holds out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import ValidationError
from scipy import sparse

from ml.data.training_data import TrainingData
from ml.evaluation import cold_item_weights, recorded_configuration
from ml.evaluation.champion import Champion
from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.results import ComparedChampion
from ml.models.cooccurrence import item_weights_of
from ml.models.lightfm import Epoch, fit
from ml.models.trained_embeddings import FittedFactors, embeddings_of
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from nightjar.ranking.fold_in import fold_in, newest_weights
from nightjar.ranking.popularity_weight import item_weights_at_popularity_weight
from nightjar.ranking.scoring import Ranking, published_ranking

UNRECORDED = "MLflow no longer has the run of its training"


def ranking_of(
    fit: FittedFactors,
    popularity: Ranking,
    settings: Settings,
    weights: ItemWeights | None,
    *,
    recency: sparse.csr_matrix | None = None,
) -> Ranking:
    """Rank as a publication of this fit, and of item-item weights of the same pairs, would.

    Users with entries in `recency` (1: the newest item, 2: the one before, ...) are folded in first.
    """
    embeddings = embeddings_of(fit, settings)
    weights = item_weights_at_popularity_weight(weights, fit.pairs, settings.popularity_weight)
    history = fit.pairs
    if recency is not None:
        embeddings = fold_in(embeddings, recency, settings.fold_in_items)
        history = history + newest_weights(recency, settings.fold_in_items)
    return published_ranking(embeddings, popularity, weights, history, settings.diversity_weight)


def refit_champion(
    data_of: Callable[[Settings], TrainingData],
    popularity: Ranking,
    settings: Settings,
    champion: Champion,
    recorded: Mapping[str, str] | None,
    cold_items: HoldoutSlice,
    on_epoch: Callable[[Epoch], None],
) -> tuple[ComparedChampion, Ranking | None]:
    """Return the champion compared with this run, with the ranking of its refit where its configuration differs.

    Args:
        data_of: this run's features, with those of texts under some settings.
        popularity: what users unknown to a model get.
        settings: of this run.
        champion: the publication to compare with.
        recorded: settings of its training by name; None where they are no longer kept.
        cold_items: the slice by which its refit chooses the weights that rank cold items.
        on_epoch: called after each epoch of the refit.
    """
    if recorded is None:
        return ComparedChampion(champion, obstacle=UNRECORDED), None
    compared = ComparedChampion(
        champion,
        changed_configuration=recorded_configuration.differences(settings, recorded, "model"),
        changed_features=recorded_configuration.differences(settings, recorded, "features"),
        changed_protocol=recorded_configuration.differences(settings, recorded, "protocol"),
    )
    unrecorded = recorded_configuration.unrecorded(settings, recorded)
    if unrecorded:
        return replace(compared, obstacle=f"it was made by code without {', '.join(unrecorded)}"), None
    if not compared.changed_configuration:
        return compared, None
    try:
        theirs = recorded_configuration.with_recorded_model(settings, recorded)
        data = data_of(theirs)
        users, items = fit(data.train, data.user_features, data.item_features, theirs, on_epoch)
        fitted = FittedFactors(data, data.train, users, items, theirs.cold_item_lambda)
        item_weights = item_weights_of(data, data.train, theirs)
        # By the same rule on the same holdout: a choice that only one of the two may make would favour it.
        cold_weights = cold_item_weights.choose(fitted, cold_items, popularity, theirs, item_weights)
        return compared, ranking_of(
            fitted, popularity, cold_weights.in_settings(theirs), cold_weights.in_item_weights(item_weights)
        )
    except (NightjarError, ValidationError) as error:
        # A configuration that fails on this run's data must not keep another one from taking its place.
        return replace(compared, obstacle=str(error)), None
