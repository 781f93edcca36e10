"""What each source of a model weighs for whom: defaults, or chosen by a run."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ml.models import registry
from ml.models.ease import Ease, ItemCosine
from ml.models.popular import Popular
from ml.models.transitions import TransitionCosine, Transitions
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN, WARM, WITHOUT_ITEMS
from nightjar.contract.settings import Settings

# The model of a small catalogue, and the one that has its place in a large one.
_PAIRS = ((Ease.name, ItemCosine.name), (Transitions.name, TransitionCosine.name))
# Weight of popularity for users without items in the domain.
_POPULAR = 0.5


@dataclass(frozen=True)
class SourceWeights:
    """Weights of the sources of warm items.

    Attributes:
        of: for each of `USERS` the weights by source, that of the embeddings among them; they add up to 1. A source
            that is missing weighs 0.
    """

    of: Mapping[str, Mapping[str, float]]

    def for_fitted(self, fitted: Collection[str]) -> "SourceWeights":
        """Return the weights for what was fitted: names of models beside the embeddings.

        A catalogue that grows beyond `cooccurrence_dense_items` between two fits has the sparse model of a pair in the
        place of the dense one, which takes over its weights.
        """
        renamed = {
            gone: kept
            for dense, thin in _PAIRS
            for gone, kept in ((dense, thin), (thin, dense))
            if gone not in fitted and kept in fitted
        }

        def name(source: str) -> str:
            gone = next((each for each in renamed if source == each or source.startswith(f"{each}_")), None)
            return source if gone is None else renamed[gone] + source.removeprefix(gone)

        return SourceWeights(
            {users: {name(source): weight for source, weight in each.items()} for users, each in self.of.items()}
        )

    def weight(self, users: str, source: str) -> float:
        """Return the weight of a source for some users."""
        return self.of[users].get(source, 0.0)


def default_weights(fitted: Iterable[str], settings: Settings) -> SourceWeights:
    """Return the weights by the settings and the models of the registry.

    Args:
        fitted: names of the sources beside the embeddings.
        settings: with the weights of some models.
    """
    names = set(fitted)
    models = [model for model in registry.MODELS if model.name in names and model.items == WARM]
    weights = {model.name: model.weight(settings) for model in models}
    total = sum(weights.values())
    # More than there is to share out is scaled down to 1, which leaves the embeddings nothing.
    in_domain = {name: weight / max(1.0, total) for name, weight in weights.items()}
    in_domain[LIGHTFM] = max(0.0, 1 - total)
    # What a history in other domains says is not known before it is measured; what all like is safe.
    others = {LIGHTFM: 1 - _POPULAR, Popular.name: _POPULAR} if Popular.name in names else {LIGHTFM: 1.0}
    return SourceWeights({IN_DOMAIN: in_domain, NEW_TO_DOMAIN: others, WITHOUT_ITEMS: others})
