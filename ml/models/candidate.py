"""A fitted candidate: LightFM's embeddings and the sources of all other models, fitted on one part of the data.

`fit_candidate` is the one way to fit: the evaluated model, the published one, the refit of the champion, the trials of
a search and the benchmarks come from it.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import TrainingPart
from ml.models import registry
from ml.models.base import LongFit, LongModel, Model
from ml.models.lightfm import Epoch, Factors, WarmStartCheckpoint, fit
from ml.models.source_weights import SourceWeights, default_weights
from ml.models.trained_embeddings import FittedFactors, embeddings_of
from nightjar.contract.artifacts.embeddings import TRAINED, UNKNOWN, Embeddings
from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.artifacts.sources import COLD, USERS, WARM, Fitted, ItemWeights, Source
from nightjar.contract.settings import Settings
from nightjar.ranking.catalogue import Catalogue, PopularityLists, catalogue_of
from nightjar.ranking.fold_in import folded_history, folded_in
from nightjar.ranking.popularity_weight import at_popularity_weight
from nightjar.ranking.ranker import Ranker


@dataclass(frozen=True)
class Candidate:
    """What is fitted, from which the model follows for any weights, regression weight and popularity weight.

    Attributes:
        part: what it was fitted on.
        settings: by which it ranks; the fit does not follow changes of those that it depends on.
        factors: of LightFM.
        fitted: sources of the other models by name.
        seconds: wall seconds of each fit by name.
        chosen: weights in the place of the default ones.
    """

    part: TrainingPart
    settings: Settings
    factors: FittedFactors
    fitted: Mapping[str, Fitted]
    seconds: Mapping[str, float] = field(default_factory=dict)
    chosen: SourceWeights | None = None

    @property
    def weights(self) -> SourceWeights:
        """The weights that the candidate ranks by."""
        if self.chosen is None:
            return default_weights(self.fitted, self.settings)
        return self.chosen.for_fitted(self.fitted)

    @property
    def checkpoint(self) -> WarmStartCheckpoint:
        """From which a later fit can start."""
        return cast(WarmStartCheckpoint, (self.factors.users, self.factors.items))

    def at(self, settings: Settings) -> "Candidate":
        """Return the candidate with other settings of the ranking."""
        return replace(self, settings=settings)

    def with_weights(self, weights: SourceWeights | None) -> "Candidate":
        """Return the candidate with chosen weights; None: those by default."""
        return replace(self, chosen=weights)

    @property
    def warm_names(self) -> list[str]:
        """The names of the sources of warm items beside the embeddings, in the order of the model."""
        return [name for model, name, _ in self._sources() if model.items == WARM]

    def model(self) -> ModelSources:
        """Return the model that the candidate ranks by."""
        weights = self.weights
        others = (self._source(*source, weights) for source in self._sources())
        return ModelSources(embeddings_of(self.factors, self.settings), tuple(others))

    def _sources(self) -> Iterator[tuple[Model, str, Fitted]]:
        for model in registry.MODELS:
            if model.name in self.fitted:
                for name, fitted in sources_of(model.name, self.fitted[model.name]):
                    yield model, name, fitted

    def _source(self, model: Model, name: str, fitted: Fitted, weights: SourceWeights) -> Source:
        fitted = at_popularity_weight(fitted, self.part.history, self.settings.popularity_weight)
        if model.items == COLD:
            return Source(name, min(1.0, model.weight(self.settings)), fitted, COLD)
        in_domain, new_to_domain, cold_user = (weights.weight(users, name) for users in USERS)
        return Source(name, in_domain, fitted, WARM, new_to_domain, cold_user)

    def ranker(self, fold_in_recency: sparse.csr_matrix | None = None) -> Ranker:
        """Return the ranker of the evaluation, where the items of the holdout compete, too.

        Args:
            fold_in_recency: (users, items) CSR, users with entries (1: the newest item, 2: the one before, ...) are
                folded in by them; None: nobody is.
        """
        return self._ranker(self.model(), self.part.data.competes, fold_in_recency)

    def published_ranker(self) -> Ranker:
        """Return the ranker of a publication."""
        return self._ranker(self.model(), self.part.data.is_available, None)

    def ranker_of(self, name: str) -> Ranker:
        """Return the ranker of one source alone, `lightfm` or another; it knows the users with interactions only."""
        model = self.model()
        sources = tuple(Source(each.name, 1.0, each.fitted, each.items) for each in model.others if each.name == name)
        embeddings = model.embeddings
        if name != LIGHTFM:
            is_trained = embeddings.user_sources == TRAINED
            embeddings = replace(embeddings, user_sources=np.where(is_trained, TRAINED, UNKNOWN).astype(np.int8))
        return self._ranker(ModelSources(embeddings, sources), self.part.data.competes, None)

    def embeddings_alone(self) -> "Candidate":
        """Return the candidate without other sources and without the regression of cold items, which takes time."""
        settings = self.settings.model_copy(update={"cold_item_regression_share": 0.0})
        return replace(self, settings=settings, fitted={})

    def _ranker(
        self, model: ModelSources, is_available: NDArray[np.bool_], fold_in_recency: sparse.csr_matrix | None
    ) -> Ranker:
        data, history = self.part.data, self.part.history
        if fold_in_recency is not None:
            model = folded_in(model, fold_in_recency, self.settings.fold_in_items)
            # Nobody has both.
            history = history.beside(folded_history(fold_in_recency, self.settings.fold_in_items))
        catalogue = _catalogue(model, self.part, is_available)
        return Ranker(catalogue, history, data.user_segments, self.settings.diversity_weight)


def sources_of(name: str, fitted: Fitted) -> Iterator[tuple[str, Fitted]]:
    """Yield the sources that one model of this name makes."""
    if isinstance(fitted, ItemWeights):
        yield from fitted.sources(name)
    else:
        yield name, fitted


def _catalogue(model: ModelSources, part: TrainingPart, is_available: NDArray[np.bool_]) -> Catalogue:
    data = part.data
    items = {"item_id": data.item_ids, "domain": data.item_domains, "is_available": is_available}
    return catalogue_of(model, pa.table(items), part.popularity.lists).among(is_available)


NO_LOG = LongFit()


def no_report(*_: object) -> None:
    """Do nothing."""


def fit_candidate(
    part: TrainingPart,
    settings: Settings,
    on_epoch: Callable[[Epoch, Candidate], bool | None] = no_report,
    checkpoint: WarmStartCheckpoint | None = None,
    on_source: Callable[[str, float], None] = no_report,
    log: LongFit = NO_LOG,
) -> Candidate:
    """Fit all models on one part of the data.

    Args:
        part: the data.
        settings: of the fit and the ranking.
        on_epoch: called after each epoch of LightFM with the candidate as it is then; True ends LightFM's fit.
        checkpoint: from which LightFM starts; None: from scratch.
        on_source: called after the fit of each other model with its name and seconds.
        log: of the models whose fit is long; below its folder a training on Spark exchanges files with its tasks.

    Raises:
        BadInput: a setting turns on a model whose package is not installed.
        NightjarError: training diverged.
    """
    fitted: dict[str, Fitted] = {}
    seconds: dict[str, float] = {}
    for model in registry.MODELS:
        started = time.monotonic()
        source = model.fit_long(part, settings, log) if isinstance(model, LongModel) else model.fit(part, settings)
        if source is not None:
            fitted[model.name], seconds[model.name] = source, time.monotonic() - started
            on_source(model.name, seconds[model.name])

    def candidate_of(users: Factors, items: Factors) -> Candidate:
        factors = FittedFactors(part.data, part.pairs, users, items, settings.cold_item_lambda)
        return Candidate(part, settings, factors, fitted, seconds)

    started, data = time.monotonic(), part.data
    users, items = fit(
        part.pairs,
        data.user_features,
        data.item_features,
        settings,
        lambda epoch: on_epoch(epoch, candidate_of(epoch.users, epoch.items)),
        checkpoint,
        log.checkpoints,
    )
    seconds[LIGHTFM] = time.monotonic() - started
    return candidate_of(users, items)


def popularity_ranker(part: TrainingPart, lists: PopularityLists | None = None) -> Ranker:
    """Return the ranker of popularity lists alone, without any fit.

    Args:
        part: the data.
        lists: None: those of the part, which publications fill lists up by.
    """
    if lists is not None:
        part = replace(part, popularity=replace(part.popularity, lists=lists))
    data = part.data
    users, items = part.pairs.shape
    unknown = Embeddings(
        data.user_ids,
        data.item_ids,
        *(np.zeros((users, 1), np.float32), np.zeros(users, np.float32)),
        *(np.zeros((items, 1), np.float32), np.zeros(items, np.float32)),
        *(np.full(users, UNKNOWN, np.int8), np.full(items, UNKNOWN, np.int8)),
    )
    catalogue = _catalogue(ModelSources(unknown), part, data.competes)
    return Ranker(catalogue, part.history, data.user_segments).without_model()
