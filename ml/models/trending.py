"""What everyone likes now: popularity by the newest events."""

from ml.data.training_data import TrainingPart
from nightjar.contract.artifacts.sources import WARM, ItemScores
from nightjar.contract.settings import Settings


class Trending:
    """The popularity of all users with `trending_half_life_days`."""

    name, items = "trending", WARM

    def weight(self, settings: Settings) -> float:
        """None in the blend."""
        return 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemScores:
        """Return the scores that Spark summed up."""
        return ItemScores(part.popularity.trending)
