"""What everyone likes: the scores of the published popularity lists."""

from ml.data.training_data import TrainingPart
from nightjar.contract.artifacts.sources import WARM, ItemScores
from nightjar.contract.settings import Settings


class Popular:
    """The popularity of all users, which decays with `popularity_half_life_days`."""

    name, items = "popular", WARM

    def weight(self, settings: Settings) -> float:
        """None, unless a run chooses one: it fills lists up."""
        return 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemScores:
        """Return the scores of the lists of all users."""
        return ItemScores(part.popularity.of_everyone(part.pairs.shape[1]))
