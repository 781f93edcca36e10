"""What everyone likes now: popularity by the newest events."""

from dataclasses import dataclass

from ml.data.training_data import TrainingPart
from nightjar.contract.artifacts.sources import WARM, ItemScores
from nightjar.contract.settings import Settings


@dataclass(frozen=True)
class Trending:
    """The popularity of all users with one half-life.

    Attributes:
        half_life_days: one of `TRENDING_HALF_LIVES_DAYS`.
    """

    half_life_days: float
    items = WARM

    @property
    def name(self) -> str:
        """E.g. `trending_14_days`."""
        return f"trending_{self.half_life_days:g}_days"

    def weight(self, settings: Settings) -> float:
        """None, unless a run chooses one."""
        return 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemScores:
        """Return the scores that Spark summed up."""
        return ItemScores(part.popularity.trending[self.half_life_days])
